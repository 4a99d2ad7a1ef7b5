/*
 * svg.h - axes, grids and curves (inside bench/ only): a panel maps values to
 * places on the page, each axis by a scale of its own.
 *
 * The functions append to a buffer; ask buf_failed().
 */
#ifndef BENCH_SVG_H
#define BENCH_SVG_H

#include "base/buf.h"

enum svg_scale { SVG_LINEAR, SVG_LOG };

struct svg_axis {
	enum svg_scale scale;
	double from, to; /* values at its ends */
	const char *title;
};

struct svg_panel {
	double left, top, width, height; /* of the plot itself, in pixels */
	struct svg_axis x, y;
};

struct svg_point {
	double x, y;
};

void svg_begin(struct buf *out, double width, double height);
void svg_end(struct buf *out);

/* Text at a place; anchor is start, middle or end. */
void svg_text(struct buf *out, double x, double y, const char *anchor,
	      unsigned size, const char *text);

/* The frame and the titles of both axes. */
void svg_panel_frame(struct buf *out, const struct svg_panel *p);

/* A line across the plot with its label beside it. */
void svg_tick_x(struct buf *out, const struct svg_panel *p, double x,
		const char *label);
void svg_tick_y(struct buf *out, const struct svg_panel *p, double y,
		const char *label);

/* Points joined by a line, and marked if `marks`. */
void svg_curve(struct buf *out, const struct svg_panel *p,
	       const struct svg_point *points, size_t n, const char *colour,
	       bool dashed, bool marks);

/* A short piece of such a line, for a legend. */
void svg_sample(struct buf *out, double x, double y, const char *colour,
		bool dashed);

#endif
