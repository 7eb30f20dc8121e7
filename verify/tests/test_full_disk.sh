#!/bin/sh
# No room for a file: what was there stays whole, one line says what failed, and the exit status is
# 3. Room runs out at a limit on the size of files, at /dev/full and, for root, on a full disk.
: "${B:?the build directory}"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
program=$PWD/$B/dkl
plots=$PWD/plots
cd "$folder" || exit 1
touch before names said
count=0
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

# array NAME DESCR SHAPE BYTES: zeros.
array() {
    {
        printf '\223NUMPY\001\000\166\000'
        printf "%-117s\n" "{'descr': '$2', 'fortran_order': False, 'shape': $3, }"
        head -c "$4" /dev/zero
    } >"$1"
}
array t.npy '<f4' '(128, 128)' 65536
array y.npy '<i4' '(128,)' 512
problem='--loss kl --dtype f32 --impl textbook --batch 2'
$program verify $problem --classes 3 --out records >/dev/null || exit 1
$program bench $problem --classes 3 --time 0.01 --out timings >/dev/null || exit 1

# fails NAME FILE COMMAND...: with no more than 8 KiB a file. FILE keeps its beginning: all of it
# where it is replaced, and lines that are whole where it is appended to.
fails() {
    name=$1 file=$2
    shift 2
    cp "$file" before
    ls -A >names # itself among them
    said=$(ulimit -f 16 && exec "$@" 2>&1 >/dev/null)
    status=$?
    [ $status -eq 3 ] && [ "$(echo "$said" | grep -c .)" -eq 1 ]
    verdict $? "$name: status 3 and one line (status $status: $said)"
    head -c "$(wc -c <before)" "$file" | cmp -s - before
    verdict $? "$name: what was there stays whole"
    ls -A | cmp -s - names
    verdict $? "$name: nothing is left beside"
}
# appended FILE: readers and writers take it as it is.
appended() {
    $program report --markdown "$1" >/dev/null 2>said
    verdict $? "$1 can be read ($(head -c 200 said))"
    $program verify $problem --classes 3 --out "$1" >/dev/null 2>said
    verdict $? "$1 can be appended to ($(head -c 200 said))"
}
many='--classes 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17'
# shellcheck disable=SC2086
{
    fails 'verify --out' records "$program" verify $problem $many --out records
    appended records
    fails 'verify --out --resume' records "$program" verify $problem $many --resume --out records
    fails 'bench --out' timings "$program" bench $problem $many --time 0.01 --out timings
    appended timings
    echo old >v.xml
    fails 'verify --junit' v.xml sh -c "ulimit -f 0; exec '$program' verify $problem \
        --classes 3 --junit v.xml"
    said=$(ulimit -f 16 && exec "$program" verify $problem $many --junit v.xml 2>&1 >/dev/null)
    [ $? -eq 3 ] && grep -q 'was not finished' v.xml && [ "$(tail -n 1 v.xml)" = '</testsuites>' ]
    verdict $? "verify --junit, no room at the end: the document says that ($said)"
    echo old >worst
    fails 'verify --accuracy-out' worst sh -c "ulimit -f 0; exec '$program' verify $problem \
        --classes 3 --accuracy-out worst"
}
echo old >g.npy
fails 'eval --grad-student' g.npy "$program" eval --loss kl --teacher t.npy --student t.npy \
    --grad-student g.npy
fails 'eval --reference' g.npy "$program" eval --loss kl --teacher t.npy --student t.npy \
    --grad-teacher g.npy --reference
echo old >p.npy
fails 'prior --out' p.npy "$program" prior --logits t.npy --labels y.npy --out p.npy
if command -v gnuplot >/dev/null; then
    mkdir report && echo old >report/report.html
    fails 'report' report/report.html env DKL_PLOTS="$plots" \
        "$program" report timings --out report
fi

while read -r arguments; do
    # shellcheck disable=SC2086
    $program $arguments >/dev/full 2>said
    status=$?
    [ $status -eq 3 ] && [ "$(grep -c . said)" -eq 1 ]
    verdict $? "$arguments >/dev/full (status $status: $(head -c 200 said))"
done <<END
list
verify $problem --classes 3
verify $problem --classes 3 --json
verify $problem --classes 3 --out /dev/full
bench $problem --classes 3 --time 0.01
bench $problem --classes 3 --time 0.01 --json
bench $problem --classes 3 --time 0.01 --out /dev/full
eval --loss kl --teacher t.npy --student t.npy
report --markdown timings
END

# A disk of 32 KiB that nobody else sees.
disk='mkdir -p disk && mount -t tmpfs -o size=32k tmpfs disk &&'
if unshare -m sh -c "$disk :" 2>/dev/null; then
    # shellcheck disable=SC2086
    unshare -m sh -c "$disk"' cp records disk/ || exit 1
        "$@" --out disk/records >/dev/null 2>said
        echo $? >status
        cp disk/records after' sh "$program" verify $problem $many
    [ "$(cat status)" = 3 ] && [ "$(grep -c . said)" = 1 ] && grep -q 'No space left' said
    verdict $? "a full disk: status $(cat status), $(cat said)"
    appended after
else
    count=$((count + 1))
    echo "ok $count # SKIP a full disk: needs the right to mount one"
fi
echo "1..$count"
