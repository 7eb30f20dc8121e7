# Error in ulp against the main parameter of an input family. Columns of data: parameter, error,
# bound. An error of 0 lies at error_floor, one that is not finite at error_ceiling; both get a tick
# that says so: these two lie where the axis has no place for them.

load style
set format x "10^{%T}"
set format y "10^{%T}"
set xrange [parameter_low/1.6:parameter_high*1.6]
set yrange [error_floor/1.8:error_ceiling*1.8]
if (has_zero) { set ytics add ("0" error_floor) }
if (has_infinite) { set ytics add ("∞" error_ceiling) }

shown(e) = e == 0 ? error_floor : (e > error_ceiling ? error_ceiling : e)
do for [p = 1:panels] {
    set lmargin at screen panel_left(p)
    set rmargin at screen panel_right(p)
    set tmargin at screen panel_top
    set bmargin at screen panel_bottom
    set title panel_title[p] noenhanced textcolor rgb ink offset 0,-0.4
    plot \
        for [i = 1:curves] data index i-1 using (curve_panel[i] == p ? $1 : NaN):3 \
            with lines linestyle 100+curve_style[i], \
        for [i = 1:curves] data index i-1 every ::0::0 using (curve_panel[i] == p ? $1 : NaN):3 \
            with points linestyle 100+curve_style[i], \
        for [i = 1:curves] data index i-1 using (curve_panel[i] == p ? $1 : NaN):(shown($2)) \
            with linespoints linestyle curve_style[i]
    unset arrow # drawn by now: the key and the names of the axes
    unset label
}
unset multiplot
set output
