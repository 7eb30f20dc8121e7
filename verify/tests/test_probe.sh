#!/bin/sh
# verify/probe says yes to what works and no, with the reason, to all that does not: a probe that
# cannot say no is no probe.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
out=$folder/part.mk
count=0
# expect NAME STATUS LINE FLAGS: of the last probe
expect() {
    count=$((count + 1))
    flags=$(sed -n 's/^part_FLAGS := *//p' "$out" 2>/dev/null)
    case $said in
    "$3"*) matches=0 ;;
    *) matches=1 ;;
    esac
    if [ "$status" -eq "$2" ] && [ $matches -eq 0 ] && [ "$flags" = "$4" ]; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        echo "# status $status, flags '$flags', said: $said"
    fi
}
# probe WANTED FLAGS SOURCE
probe() {
    rm -f "$out"
    said=$(verify/probe part "$1" "$out" "$2" "${CC:-cc}" "$folder/$3" 2>/dev/null)
    status=$?
}
program() { printf '#include <stdio.h>\n#include <stdlib.h>\n%s\n' "$2" >"$folder/$1"; }

program works.c 'int main(void) { printf("version 7"); return 0; }'
program header.c '#include <no/such/part.h>
int main(void) { return 0; }'
program crashes.c 'int main(void) { abort(); }'
program refuses.c 'int main(void) { printf("no device"); return 1; }'
program symbol.c 'int no_such_function(void); int main(void) { return no_such_function(); }'

probe auto '-lm' works.c
expect 'a part that works' 0 "part: yes (${CC:-cc} -lm, version 7)" -lm
probe auto '-lno_such_library' works.c
expect 'a library that is not there' 0 'part: no (does not compile: ' ''
probe auto '-lm' header.c
expect 'a header that is not there' 0 'part: no (does not compile: ' ''
probe auto '-lm' symbol.c
expect 'a library without the function' 0 'part: no (does not compile: ' ''
probe auto '-fno-such-flag' works.c
expect 'a flag that the compiler does not know' 0 'part: no (does not compile: ' ''
probe auto '-lm' crashes.c
expect 'a program that crashes' 0 'part: no (compiles, but ends with status 134' ''
probe auto '-lm' refuses.c
expect 'a program that finds no device' 0 'part: no (compiles, but ends with status 1: no device)' ''
probe no '-lm' works.c
expect 'a part that is not wanted' 0 'part: no (left out as asked)' ''
probe yes '-lm' works.c
expect 'a part that is demanded' 0 "part: yes (" -lm
probe yes '-lno_such_library' works.c
expect 'a part that is demanded and not there' 1 'part: no (does not compile: ' ''
probe maybe '-lm' works.c
expect 'an answer that is none' 2 '' ''
said=$(verify/probe part auto "$out" '' no-such-compiler "$folder/works.c" 2>/dev/null)
status=$?
expect 'a compiler that is not there' 0 'part: no (does not compile: ' ''
echo "1..$count"
