/*
 * Network file systems, told by statfs. FUSE counts as one: what is behind it (sshfs, rclone, a
 * cloud drive) is mostly elsewhere, and a rollback journal is right on a local one too, only
 * slower.
 */
#include <stddef.h>

#include "base/attr.h"
#include "store/netfs_internal.h"

#if defined(__linux__)

#include <sys/vfs.h>

/* Magic numbers as in statfs(2); not every libc has all of them by name. */
static const unsigned long network_types[] = {
    0x6969,     /* nfs */
    0xFF534D42, /* cifs */
    0xFE534D42, /* smb2 */
    0x517B,     /* smb */
    0x01021997, /* 9p */
    0x65735546, /* fuse */
    0x5346414F, /* afs */
    0x73757245, /* coda */
    0x564C,     /* ncp */
    0x00C36400, /* ceph */
    0x0BD00BD0, /* lustre */
    0x01161970, /* gfs2 */
    0x7461636F, /* ocfs2 */
    0xA501FCF5, /* vxfs */
};

bool netfs_holds(const char *path)
{
    struct statfs fs;
    if (statfs(path, &fs) != 0) {
        return false;
    }
    /* f_type is signed on some machines: only its low 32 bits mean something. */
    unsigned long type = (unsigned long)fs.f_type & 0xFFFFFFFFul;
    for (size_t i = 0; i < COUNT_OF(network_types); i++) {
        if (type == network_types[i]) {
            return true;
        }
    }
    return false;
}

#else

#include <sys/mount.h>
#include <sys/param.h>

bool netfs_holds(const char *path)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 && (fs.f_flags & MNT_LOCAL) == 0;
}

#endif
