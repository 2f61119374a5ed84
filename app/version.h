/* The version, in one place: `weir --version`, the User-Agent, exports. */
#ifndef WEIR_APP_VERSION_H
#define WEIR_APP_VERSION_H

#define WEIR_VERSION "0.1.0"

#endif
