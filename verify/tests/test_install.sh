#!/bin/sh
# `make install` into an empty folder: what is there, what the libraries define, C and C++ programs
# against them through pkg-config, and what `make uninstall` leaves.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
tree=$folder/tree
prefix=${PREFIX:-/usr/local}
count=0
verdict() { # STATUS NAME
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        sed 's/^/# /' "$folder/said" 2>/dev/null
    fi
}
same() { # WANTED FOUND NAME
    printf '%s\n' "$1" >"$folder/wanted"
    printf '%s\n' "$2" >"$folder/found"
    diff "$folder/wanted" "$folder/found" >"$folder/said"
    verdict $? "$3"
}
# The settings of the build are in the environment; the flags of the make around this are not ours.
quiet_make() {
    (
        unset MAKEFLAGS MFLAGS MAKELEVEL GNUMAKEFLAGS
        "${MAKE:-make}" "$@" "DESTDIR=$tree" "CC=${CC:-gcc}"
    ) >"$folder/said" 2>&1
}
files() { (cd "$tree$prefix" && find . ! -type d | sed 's|^\./||' | LC_ALL=C sort); }

version=$(sed -n 's/.*define DKL_VERSION "\(.*\)"/\1/p' kernels/dkl.h)
soname=libdkl.so.${version%%.*}
quiet_make install
verdict $? 'make install'
same "$({
    printf '%s\n' bin/dkl include/dkl.h lib/libdkl.a lib/libdkl.so "lib/$soname" \
        "lib/libdkl.so.$version" lib/pkgconfig/dkl.pc share/man/man1/dkl.1
    for plot in plots/*.gp plots/*.css; do echo "share/dkl/$plot"; done
} | LC_ALL=C sort)" "$(files)" 'these files and no others'

lib=$tree$prefix/lib
[ "$(readlink "$lib/libdkl.so")" = "$soname" ] &&
    [ "$(readlink "$lib/$soname")" = "libdkl.so.$version" ]
verdict $? 'links lead to the shared library'
same "$soname" "$(objdump -p "$lib/libdkl.so" | awk '$1 == "SONAME" { print $2 }')" 'its soname'

# What the header declares is what both libraries define.
declared=$(tr '\n' ' ' <kernels/dkl.h | grep -o 'DKL_API [^;(]*(' | grep -o 'dkl_[a-z_]*($' |
    tr -d '(' | LC_ALL=C sort)
same "$declared" "$(nm -D --defined-only "$lib/libdkl.so" | awk '{ print $3 }' | LC_ALL=C sort)" \
    'the shared library defines what the header declares'
same "$declared" "$(nm -g --defined-only "$lib/libdkl.a" | awk 'NF == 3 { print $3 }' |
    LC_ALL=C sort)" 'the static library defines what the header declares'

# KL between (3/4, 1/4) and (1/2, 1/2) is 3/4 log(3/2) - 1/4 log 2.
cat >"$folder/program.c" <<'END'
#include <dkl.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    const double teacher[2] = {1.0986122886681098, 0}, student[2] = {0, 0}; /* log 3 */
    const double exact = 0.13081203594113694;
    double error;
    dkl_spec spec;
    dkl_batch batch;
    dkl_result result;
    if (strcmp(dkl_version(), DKL_VERSION) != 0)
        return 1;
    dkl_spec_init(&spec, DKL_KL);
    dkl_batch_init(&batch, DKL_F64, 1, 2, teacher, student);
    if (dkl_evaluate(NULL, &spec, &batch, &result, NULL) != DKL_OK)
        return 2;
    error = result.loss - exact;
    printf("%.17g, exactly %.17g\n", result.loss, exact);
    return error < 1e-15 && error > -1e-15 ? 0 : 3;
}
END
cp "$folder/program.c" "$folder/program.cc"

# Not exported: the make below has its own packages to find.
package() { PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$tree pkg-config "$@" dkl; }
same "$version" "$(package --modversion)" 'pkg-config knows the version'
strict='-Wall -Wextra -Wpedantic -Werror'
# Words on purpose: lists of flags.
# shellcheck disable=SC2046,SC2086
build() { # NAME SOURCE COMPILER FLAGS...
    name=$1 source=$2
    shift 2
    "$@" $strict "$folder/$source" -o "$folder/$name" \
        $(case $name in static*) echo -static; package --static --cflags --libs ;;
          *) package --cflags --libs ;; esac) >"$folder/said" 2>&1
}
for kind in shared static; do
    build $kind-c program.c "${CC:-cc}" -std=c99
    LD_LIBRARY_PATH=$lib "$folder/$kind-c" >>"$folder/said" 2>&1
    verdict $? "a C program, $kind"
    build $kind-cc program.cc "${CXX:-c++}" -std=c++11
    LD_LIBRARY_PATH=$lib "$folder/$kind-cc" >>"$folder/said" 2>&1
    verdict $? "a C++ program, $kind"
done
ldd "$folder/shared-c" | grep -q "$soname" && ! ldd "$folder/static-c" 2>/dev/null | grep -q libdkl
verdict $? 'the one needs the shared library, the other does not'

"$tree$prefix/bin/dkl" --version >"$folder/said" 2>&1 && grep -q "$version" "$folder/said"
verdict $? 'the program runs and says the version'
# Not told: where it was built. Asked for in a folder of its own, its plots are found beside it.
case $prefix/ in
"$PWD"/*) : ;; # it has to know where its plots will be
*)
    for file in "$tree$prefix/bin/dkl" "$lib/libdkl.a" "$lib/libdkl.so.$version"; do
        strings -a "$file" >"$folder/strings" || echo "$file: not read"
        [ -s "$folder/strings" ] || echo "$file: no strings"
        grep -F -e "$PWD" -e "$(pwd -P)" "$folder/strings" | sed "s|^|${file##*/}: |"
    done >"$folder/said" 2>&1
    [ ! -s "$folder/said" ]
    verdict $? 'neither the program nor the libraries hold the path of the checkout'
    ;;
esac
report() { # of a file without records, about which it complains once it has its plots
    : >"$folder/none.jsonl"
    (cd "$folder" && unset DKL_PLOTS && "$@" report none.jsonl --out "$folder/page") \
        >"$folder/said" 2>&1
    grep -q 'none\.jsonl: ' "$folder/said"
}
report "$tree$prefix/bin/dkl"
verdict $? 'an installation that was moved finds its plots'
report "$PWD/${B:?the build directory}/dkl"
verdict $? 'a program in its checkout finds its plots'
ln -s "$PWD/$B/dkl" "$folder/link" && report "$folder/link"
verdict $? 'through a link, too'
if [ -e "$prefix/share/dkl/plots/style.gp" ]; then
    verdict 0 "a program alone finds none # SKIP dkl is installed in $prefix"
else
    cp "$tree$prefix/bin/dkl" "$folder/alone" && ! report "$folder/alone"
    verdict $? 'a program alone finds none'
    report env DKL_PLOTS="$PWD/plots" "$folder/alone"
    verdict $? 'unless it is told where they are'
fi

# Only the default configuration is what build/dkl leads to.
links() { # VARIABLE=VALUE...: the links that such a make sets
    (
        unset MAKEFLAGS MFLAGS MAKELEVEL GNUMAKEFLAGS CFLAGS CPPFLAGS LDFLAGS OPENMP MODE CC WERROR
        env "$@" "${MAKE:-make}" -n all
    ) | sed -n 's/^ln -sfn //p'
}
same 'gcc-release/dkl build/dkl
gcc-release/dkl-train build/dkl-train' "$(links MODE=release)" 'make sets the links'
for other in MODE=asan OPENMP=no CFLAGS=-Os CC=clang; do
    [ $other != CC=clang ] || command -v clang >/dev/null || continue
    same '' "$(links $other)" "$other make leaves the links as they are"
done

manual=$tree$prefix/share/man/man1/dkl.1
commands=$("$tree$prefix/bin/dkl" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
for word in $commands; do
    grep -q "^\.B.* $word\b" "$manual" || echo "the manual lacks the command $word"
done >"$folder/said"
[ -n "$commands" ] && [ ! -s "$folder/said" ] && grep -q "$version" "$manual"
verdict $? 'the manual has every command'

touch "$tree$prefix/share/dkl/plots/own.gp"
quiet_make uninstall
verdict $? 'make uninstall'
same share/dkl/plots/own.gp "$(files)" 'takes away its own files and leaves a stranger'
rm "$tree$prefix/share/dkl/plots/own.gp"
quiet_make install && quiet_make uninstall && [ -z "$(files)" ] && [ ! -e "$tree$prefix/share/dkl" ]
verdict $? 'takes away its own folder'
echo "1..$count"
