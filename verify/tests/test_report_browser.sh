#!/bin/sh
# The report in a browser: nothing on its console, no picture empty, nothing wider than a phone, and
# letters that can be read there and on a dark page.
: "${B:?the build directory}"
count=0
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}
command -v chromium >/dev/null || echo '# chromium is missing: ./setup test installs it'

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
"$B/dkl" verify --checks enclosure --loss kl,dkl --dtype f32 --batch 2 --classes 8 --out \
    "$folder/sweep.jsonl" --inputs near:s=1,near:s=1e-3,offset:o=100,offset:o=1e6,masked >/dev/null
"$B/dkl" report bench/records/*.jsonl "$folder/sweep.jsonl" --out "$folder/made"
verdict $? 'a report of the recorded runs'

# What the page is like, as a line "name value" for each fact, at its end.
cat >"$folder/probe" <<'END'
<script>
var facts = [], errors = 0;
function fact(name, value) { facts.push(name + ' ' + value); }
function light(color) {
    var c = color.match(/\d+/g).map(function (x) {
        x /= 255;
        return x <= 0.04045 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
}
function contrast(a, b) {
    return (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
}
function each(what, work) { Array.prototype.forEach.call(document.querySelectorAll(what), work); }
var paper = getComputedStyle(document.body).backgroundColor;
var views = 0, empty = 0, letters = 1e9, least = 1e9, captions = 0;
each('svg.panel, svg.entry', function (view) {
    var seen = view.getBoundingClientRect(), drawn = view.querySelector('use').getBBox();
    views++;
    if (!(seen.width > 20 && seen.height > 10 && drawn.width > 100)) { empty++; }
    letters = Math.min(letters, 14 * seen.width / view.viewBox.baseVal.width);
});
each('svg.whole text', function (text) {
    if (!text.closest('[fill="rgb(1,1,1)"]')) {
        least = Math.min(least, contrast(getComputedStyle(text).fill, paper));
    }
});
each('p, td, th', function (text) {
    least = Math.min(least, contrast(getComputedStyle(text).color, paper));
});
each('figure', function (figure) {
    captions += figure.querySelectorAll('figcaption code').length > 0;
});
fact('dark', matchMedia('(prefers-color-scheme: dark)').matches ? 1 : 0);
fact('width', innerWidth);
fact('overflow', document.documentElement.scrollWidth - innerWidth);
fact('views', views);
fact('empty', empty);
fact('letters', letters.toFixed(1));
fact('contrast', least.toFixed(1));
fact('figures', document.querySelectorAll('figure').length);
fact('commands', captions);
parent.postMessage(facts.join('\n') + '\nend 0', '*');
</script>
END
cat "$folder/made/report.html" "$folder/probe" >"$folder/probed.html"
# In a frame, because a window of this browser is never narrower than 500 pixels.
framed() {
    cat >"$folder/frame.html" <<END
<!DOCTYPE html><meta name="color-scheme" content="light dark"><pre id="probe"></pre>
<script>onmessage = function (e) { document.getElementById('probe').textContent = e.data; };</script>
<iframe src="probed.html" style="border:0; width:$1px; height:900px"></iframe>
END
}

browse() {
    chromium --headless --no-sandbox --disable-gpu --enable-logging=stderr --user-data-dir="$folder/profile" \
        "$@" 2>"$folder/log" >"$folder/dom"
}
# fact NAME TEST: awk's test of a fact.
fact() {
    sed 's/.*id="probe">//; s/<\/pre>.*//' "$folder/dom" | awk -v name="$1" '$1 == name { seen = 1; x = $2
        if (!('"$2"')) { print name " " x; bad = 1 } } END { exit bad || !seen }' >&2
}

browse --dump-dom "file://$folder/made/report.html"
[ -s "$folder/dom" ] && ! grep CONSOLE "$folder/log" >&2
verdict $? 'it opens, and its console stays empty'

while read -r width dark name; do
    framed "$width"
    browse --window-size=1400,1000 --blink-settings=preferredColorScheme="$dark" --dump-dom \
        --virtual-time-budget=5000 "file://$folder/frame.html"
    ! grep CONSOLE "$folder/log" >&2 && fact end 'x == 0' && fact width "x == $width" &&
        fact dark "x == 1 - $dark"
    verdict $? "$name: the page as meant"
    fact overflow 'x <= 0'
    verdict $? "$name: nothing is wider than the page"
    fact views 'x >= 20' && fact empty 'x == 0'
    verdict $? "$name: no picture and no entry of a key is empty"
    fact letters 'x >= 9'
    verdict $? "$name: letters of pictures have 9 pixels and more"
    fact contrast 'x >= 4.5'
    verdict $? "$name: letters stand out by 4.5 to 1 and more"
done <<END
1280 1 wide
1280 0 wide and dark
400 1 narrow
400 0 narrow and dark
END
fact figures 'x >= 5' && fact commands "x == $(grep -c '<figure>' "$folder/made/report.html")"
verdict $? 'under each picture stands the command that makes it'

browse --print-to-pdf="$folder/report.pdf" "file://$folder/made/report.html"
[ "$(head -c 4 "$folder/report.pdf")" = %PDF ]
verdict $? 'it prints'
echo "1..$count"
