#!/bin/sh
# verify/layers finds each include that runs the wrong way, and nothing else. The trees are made
# here and read by the compiler that builds everything else.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
layers=$PWD/verify/layers
count=0
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

cd "$folder" || exit 1
mkdir -p kernels reference verify/tests verify/primitives bench/train
for header in kernels/dkl.h kernels/own.h reference/own.h verify/own.h verify/npy.h \
    verify/tests/own.h verify/primitives/own.h bench/own.h bench/train/own.h; do
    echo '#include <stddef.h>' >"$header"
done

# judge FILE INCLUDE: the exit status of verify/layers for a tree in which FILE has that line.
judge() {
    rm -rf build
    mkdir -p "build/$(dirname "$1")"
    echo "#include \"$2\"" >"$1"
    ${CC:-cc} -I. -c -MMD -MP "$1" -o "build/${1%.c}.o" || exit 1
    "$layers" build >said
    status=$?
    rm "$1"
    return $status
}
while read -r file header; do
    judge "$file" "$header"
    verdict $? "$file may include $header"
done <<END
kernels/a.c kernels/own.h
reference/a.c reference/own.h
reference/a.c kernels/dkl.h
verify/a.c reference/own.h
verify/a.c verify/tests/../own.h
verify/primitives/a.c kernels/own.h
verify/primitives/a.c verify/primitives/own.h
bench/a.c kernels/own.h
bench/a.c verify/own.h
bench/train/a.c verify/npy.h
bench/train/a.c bench/train/own.h
END
while read -r file header; do
    ! judge "$file" "$header" && grep -q "^$file may not include" said
    verdict $? "$file may not include $header"
done <<END
kernels/a.c reference/own.h
kernels/a.c bench/../reference/own.h
kernels/a.c verify/npy.h
reference/a.c kernels/own.h
reference/a.c verify/own.h
verify/a.c kernels/own.h
verify/a.c bench/own.h
verify/a.c verify/tests/own.h
verify/a.c verify/primitives/own.h
verify/primitives/a.c verify/own.h
verify/primitives/a.c reference/own.h
bench/a.c verify/tests/own.h
bench/train/a.c verify/own.h
bench/train/a.c kernels/dkl.h
bench/train/a.c bench/own.h
END
rm -rf build
mkdir build
! "$layers" build >said
verdict $? 'a build without dependency files is no success'
echo "1..$count"
