#!/bin/sh
# Installs what packages.tsv names and this machine lacks, with the system's package manager.
#
#   deps/install.sh [--check] SET…      SET is build or test
#
# Says nothing, and asks the network for nothing, when all is there. --check only says what is
# missing. DEPS=skip leaves everything as it is. Asks first only when it runs on a terminal.
set -eu

here=$(dirname "$0")
tab=$(printf '\t')
check_only=
missing= # tests that failed
packages= # what to install for them
modules= # Python modules of the table that are there

have_command()
{
    for name in $(echo "$1" | tr '|' ' '); do
        if command -v "$name" >/dev/null 2>&1; then
            return 0
        fi
    done
    return 1
}

have_file()
{
    old_ifs=$IFS
    IFS='|'
    for path in $1; do # unquoted: the patterns are matched here
        if [ -e "$path" ]; then
            IFS=$old_ifs
            return 0
        fi
    done
    IFS=$old_ifs
    return 1
}

python=$([ -x /usr/bin/python3 ] && echo /usr/bin/python3 || echo python3)

# Python takes 15 ms to start, so one start answers for all modules of the table.
have_module()
{
    if [ -z "$modules" ]; then
        # shellcheck disable=SC2046 # a list of names
        modules=$("$python" -c 'import importlib.util as u, sys
print("asked", *[m for m in sys.argv[1:] if u.find_spec(m)])' \
            $(sed -n "s/.*${tab}py:\([a-z]*\)$tab.*/\1/p" "$here/packages.tsv") 2>/dev/null || :)
    fi
    case " $modules " in
    *" $1 "*) return 0 ;;
    esac
    return 1
}

have()
{
    case $1 in
    cmd:*) have_command "${1#cmd:}" ;;
    pkg:*) pkg-config --exists "${1#pkg:}" 2>/dev/null ;;
    py:*) have_module "${1#py:}" ;;
    file:*) have_file "${1#file:}" ;;
    *)
        echo "deps/packages.tsv: unknown test '$1'" >&2
        exit 2
        ;;
    esac
}

manager()
{
    for name in apt-get dnf pacman zypper apk brew; do
        if command -v $name >/dev/null 2>&1; then
            echo $name
            return
        fi
    done
}

# Lists of a fresh system are empty, those of an old one name files that are gone: the second try
# comes after an update.
install_apt()
{
    apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0"
    apt="$apt -o DPkg::Lock::Timeout=120"
    $apt install -y --no-install-recommends "$@" 2>/dev/null && return
    $apt update
    $apt install -y --no-install-recommends "$@"
}

install_all()
{
    case $manager in
    apt-get) install_apt "$@" ;;
    dnf) $as_root dnf install -y "$@" ;;
    pacman) $as_root pacman -S --needed --noconfirm "$@" ;;
    zypper) $as_root zypper --non-interactive install "$@" ;;
    apk) $as_root apk add "$@" ;;
    brew) brew install "$@" ;;
    esac
}

find_missing()
{
    while IFS=$tab read -r set test apt dnf pacman zypper apk brew; do
        case " $sets " in
        *" $set "*) ;;
        *) continue ;;
        esac
        if have "$test"; then
            continue
        fi
        missing="$missing ${test#*:}"
        case $manager in
        apt-get) packages="$packages $apt" ;;
        dnf) packages="$packages $dnf" ;;
        pacman) packages="$packages $pacman" ;;
        zypper) packages="$packages $zypper" ;;
        apk) packages="$packages $apk" ;;
        brew) packages="$packages $brew" ;;
        esac
    done <"$here/packages.tsv"
    packages=$(echo "$packages" | tr ' ' '\n' | grep -v '^-*$' | sort -u | tr '\n' ' ' || :)
}

if [ "${1-}" = --check ]; then
    check_only=1
    shift
fi
sets=$*
if [ -z "$check_only" ] && [ "${DEPS-}" = skip ]; then
    exit 0
fi
manager=$(manager)
as_root=
find_missing
if [ -z "$missing" ]; then
    exit 0
fi

echo "weir needs what is missing here:$missing" >&2
if [ -z "$packages" ]; then
    echo "no package is known for this system (${manager:-no package manager found}):" \
        "see deps/packages.tsv" >&2
    exit 1
fi
if [ -n "$check_only" ]; then
    echo "to install it: 'make run', or $manager with these packages: $packages" >&2
    exit 1
fi
if [ "$manager" != brew ] && [ "$(id -u)" != 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null 2>&1; then
        echo "installing takes root and there is no sudo: as root, install $packages" >&2
        exit 1
    fi
fi
echo "installing with $manager: $packages" >&2
if [ -t 0 ] && [ -t 2 ]; then
    printf 'go on? [Y/n] ' >&2
    read -r answer
    case $answer in
    [nN]*) exit 1 ;;
    esac
fi
# shellcheck disable=SC2086 # a list of names
install_all $packages

missing=
packages=
modules=
find_missing
if [ -n "$missing" ]; then
    echo "still missing after the installation:$missing" >&2
    exit 1
fi
