# What all figures have in common. A figure's file loads this first, after the settings file that
# `dkl report` writes for it:
#
#   target, file             'svg' or 'png', and where the picture goes
#   data                     blocks of tab-separated columns, one block a curve, in order
#   panels, columns          panels row by row, so many in a row; panel_title[], x_name[], y_name[]
#   panel_width, panel_height, key_width, key_line        pixels: bench/report_plot.h
#   curves, curve_style[]; first[], last[]: the curves of a panel
#   keys, key_title[], key_style[], key_rows     one key for all panels, in a strip below them
#
# A style number is 10 * type + implementation: the implementation has the colour and the shape of
# the point, the type the dash and the filling, so that a copy in grey still tells them apart.
# Colours are Okabe and Ito's, the blue a little lighter: each stands out from white and from black.

set encoding utf8
rows = (panels + columns - 1) / columns
width = columns * panel_width
height = rows * panel_height + (keys > 0 ? key_line * key_rows + 12 : 0)

if (target eq 'png') {
    set terminal pngcairo enhanced font 'DejaVu Sans,11' size 2*width,2*height fontscale 1.86 \
        linewidth 2 pointscale 2 background '#ffffff'
} else {
    set terminal svg enhanced font 'DejaVu Sans,14' size width,height dynamic
}
set output file

# The page gives this grey the colour of its own text; on paper and in the PNG it stays.
ink = '#444444'
faint = '#999999'

array colour[8] = ['#d55e00', '#009e73', '#2a86c8', '#cc79a7', \
                   '#8a6d00', '#7b5fc7', '#56b4e9', '#777777']
array filled[8] = [7, 5, 9, 11, 13, 15, 5, 3]
array open[8] = [6, 4, 8, 10, 12, 14, 4, 3]
set dashtype 11 (10, 5)
set dashtype 12 (4, 4)
set dashtype 13 (12, 4, 3, 4)
set dashtype 20 (2, 4) # bounds
do for [type = 0:3] {
    thick = type == 0 ? 1.9 : 1.3
    dash = type == 0 ? 1 : 10 + type
    do for [i = 1:8] {
        shape = type == 0 ? filled[i] : open[i]
        set style line 10*type+i linecolor rgb colour[i] linewidth thick dashtype dash \
            pointtype shape pointsize 0.75
        # The bound of that curve: its shape, open and small, stands at the left end alone.
        set style line 100+10*type+i linecolor rgb colour[i] linewidth 1.6 dashtype 20 \
            pointtype open[i] pointsize 0.6
    }
}

# A note in the key: what dotted lines are.
set style line 199 linecolor rgb ink linewidth 1.6 dashtype 20 pointsize 0

set border 3 linecolor rgb ink linewidth 1
set tics nomirror out scale 0.6,0.3 textcolor rgb ink
set grid xtics ytics linecolor rgb faint linewidth 0.5 dashtype (2,4)
unset key
set logscale xy

# Pixels, from the left and from the top, as fractions of the picture.
across(x) = x / (1.0 * width)
down(y) = 1 - y / (1.0 * height)

# Places are given in full, panel by panel: left to themselves the two terminals leave different
# room for the same text.
panel_x(p) = ((p - 1) % columns) * panel_width
panel_y(p) = ((p - 1) / columns) * panel_height
panel_left(p) = across(panel_x(p) + 74)
panel_right(p) = across(panel_x(p) + panel_width - 12)
panel_top(p) = down(panel_y(p) + 34)
panel_bottom(p) = down(panel_y(p) + panel_height - 70)

set multiplot
# The key: filled column by column, so that one type stands beside the other.
do for [k = 1:keys] {
    left = 74 + ((k - 1) / key_rows) * key_width
    top = rows * panel_height + key_line * ((k - 1) % key_rows) + key_line / 2
    set arrow from screen across(left), down(top) to screen across(left + 38), down(top) nohead \
        linestyle key_style[k]
    set label 2*k-1 "" at screen across(left + 19), down(top) point linestyle key_style[k]
    set label 2*k "".key_title[k] at screen across(left + 48), down(top) left \
        noenhanced textcolor rgb ink
}

# The names of the axes.
do for [p = 1:panels] {
    set label 1000+2*p y_name[p] at screen across(panel_x(p) + 10), \
        (panel_top(p) + panel_bottom(p)) / 2 center rotate by 90 noenhanced textcolor rgb ink
    set label 1001+2*p x_name[p] at screen (panel_left(p) + panel_right(p)) / 2, \
        down(panel_y(p) + panel_height - 24) center noenhanced textcolor rgb ink
}

# Begins panel p of a figure.
start_panel = "set lmargin at screen panel_left(p); set rmargin at screen panel_right(p); \
    set tmargin at screen panel_top(p); set bmargin at screen panel_bottom(p); \
    set title panel_title[p] noenhanced textcolor rgb ink offset 0,-0.4"
# Ends it: by now the key and the names of the axes are drawn.
end_panel = "unset arrow; unset label"
