#!/bin/sh
# setup installs what a target needs and is missing, and nothing where it was asked not to. Its
# commands are found in a folder made here, in which dpkg-query, apt-get, make, id and sudo are
# fakes that write down how they were called.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
count=0
bin=$folder/bin calls=$folder/calls said=$folder/said
mkdir "$bin" || exit 1
for tool in awk cat dirname env; do
    ln -s "$(command -v $tool)" "$bin/$tool" || exit 1
done
fake() { # NAME SHELL COMMANDS
    printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}
# Each argument in brackets.
log() {
    echo "{ printf '$1'; [ \$# -eq 0 ] || printf ' <%s>' \"\$@\"; echo; } >>'$calls'"
}
restore() { # a Debian system, root, on which all but the packages named here is installed
    echo " $* " >"$folder/missing"
    fake nproc 'echo 2'
    fake id 'echo 0'
    fake gcc 'exit 1'
    fake make "$(log make); exit 7"
    fake apt-get "$(log apt-get)"
    fake sudo "$(log sudo); exec \"\$@\""
    fake dpkg-query "for package; do :; done
case \$(cat '$folder/missing') in *\" \$package \"*) exit 1 ;; esac
echo 'install ok installed'"
}
setup() {
    rm -f "$calls"
    (
        unset CC MAKEFLAGS MFLAGS
        PATH=$bin
        export PATH
        exec ./setup "$@"
    ) >"$said" 2>&1
    status=$?
    touch "$calls"
}
verdict() { # STATUS NAME
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        echo "# status $status"
        sed 's/^/# called: /' "$calls"
        sed 's/^/# said: /' "$said"
    fi
}
expect() { # NAME STATUS CALLS, of the last setup
    [ "$status" -eq "$2" ] && [ "$(cat "$calls")" = "$3" ]
    verdict $? "$1"
}
says() { # NAME TEXT, of the last setup
    grep -qF -e "$2" "$said"
    verdict $? "$1"
}
update='apt-get <update> <-q>'
install='apt-get <install> <-y> <-o> <DPkg::Lock::Timeout=120> <--no-install-recommends>'

restore
setup test
expect 'nothing is missing: make, and its exit status' 7 'make <-j2> <test>'
setup
expect 'no target is the default target' 7 'make <-j2>'
setup CFLAGS='-O1 -g' lint -k
expect 'variables and options are given to make as they are' 7 'make <-j2> <CFLAGS=-O1 -g> <lint> <-k>'

restore libmpfi-dev clang gnuplot-nox
setup lint
expect 'what is missing and needed is installed, then make' 7 "$update
$install <libmpfi-dev> <clang>
make <-j2> <lint>"
says 'it says why' 'libmpfi-dev            the exact reference'
setup help
expect 'a target that needs none of it' 7 'make <-j2> <help>'
setup help records
expect 'each target counts' 7 "$update
$install <libmpfi-dev> <gnuplot-nox>
make <-j2> <help> <records>"

# In any place, and with everything there as well.
for missing in 'libmpfi-dev gnuplot-nox' ''; do
    # shellcheck disable=SC2086
    restore $missing
    while read -r arguments; do
        # shellcheck disable=SC2086
        setup $arguments
        expect "$arguments: nothing is run${missing:+, nothing installed}" 0 ''
        ! grep -q 'run make.* -\(n\|-dry\)' "$said"
        verdict $? "$arguments: the option is not for make"
        says "$arguments: what make would do" 'setup: would run make -j2 bench'
        [ -z "$missing" ] ||
            says "$arguments: what would be installed" '--no-install-recommends libmpfi-dev gnuplot-nox'
    done <<END
--dry-run bench
bench --dry-run
bench --dry-run OPENMP=no -k
bench -n
--dry-run bench --dry-run
END
done

restore clang
for option in --help -h; do
    setup lint $option
    expect "$option runs nothing" 0 ''
    says "$option prints the usage" 'usage: ./setup ['
done

fake apt-get "$(log apt-get); [ \"\$1\" = install ] || exit 100"
setup lint
expect 'package lists that cannot be renewed are no reason to stop' 7 "$update
$install <clang>
make <-j2> <lint>"
fake apt-get "$(log apt-get); exit 100"
setup lint
expect 'what cannot be installed is' 3 "$update
$install <clang>"
says 'and is named' 'could not install: clang'

restore clang
fake id 'echo 1000'
setup lint
sudo='sudo <env> <DEBIAN_FRONTEND=noninteractive> <apt-get>'
expect 'not root: through sudo' 7 "$sudo <update> <-q>
$update
$sudo${install#apt-get} <clang>
$install <clang>
make <-j2> <lint>"
rm "$bin/sudo"
setup lint
expect 'neither root nor sudo' 3 ''
says 'and the command for root' 'as root run: apt-get install'

restore
rm "$bin/dpkg-query"
setup lint
expect 'not Debian: make with what is there' 7 'make <-j2> <lint>'
says 'and the list of what is needed' 'libmpfi-dev, '
rm "$bin/make"
setup lint
expect 'not Debian and no make' 3 ''
echo "1..$count"
