# Functions for tools/test.sh and tools/soak.sh, which read this file in the folder of the tree.
#
# Root skips permission and limit checks, so as root they do their work as an unprivileged
# user, in a copy of the tree which that user owns.
# shellcheck shell=sh

staging_user=winrmd-test
staging_home=/var/lib/$staging_user

# The working tree as it is, tracked or not, without what git ignores.
copy_sources() { # $1: folder; its build/ stays, so that only changes are built again
    mkdir -p "$1/.staged"
    git -c safe.directory="$(pwd)" ls-files -z --cached --others --exclude-standard >"$1/.files"
    tar --null -T "$1/.files" -cf - | tar -C "$1/.staged" -xf -
    find "$1" -mindepth 1 -maxdepth 1 ! -name build ! -name .staged -exec rm -rf {} +
    find "$1/.staged" -mindepth 1 -maxdepth 1 -exec mv {} "$1/" \;
    rmdir "$1/.staged"
}

make_copy() { # of this tree, for the unprivileged user
    id "$staging_user" >/dev/null 2>&1 ||
        useradd --system --user-group --create-home --home-dir "$staging_home" --shell /bin/sh "$staging_user"
    copy_sources "$staging_home/tree"
    chown -R "$staging_user:$staging_user" "$staging_home"
}

as_user() { # as that user, with nothing in the environment but what is named
    setpriv --reuid="$staging_user" --regid="$staging_user" --init-groups --reset-env \
        env CI="${CI-}" LANG=C.UTF-8 "$@"
}

build() { # $1: preset, rest: targets, else all
    preset=$1
    shift
    mkdir -p build
    cmake --preset "$preset" >"build/$preset.log" 2>&1 || {
        cat "build/$preset.log"
        exit 1
    }
    cmake --build --preset "$preset" ${1:+--target "$@"} >"build/$preset.log" 2>&1 || {
        tail -n 60 "build/$preset.log"
        exit 1
    }
}
