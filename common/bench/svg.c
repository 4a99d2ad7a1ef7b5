/*
 * svg.c - see svg.h. Plain SVG 1.1 without scripts or style sheets, so that
 * any viewer shows it; a white ground, for readers with dark pages.
 */
#include "bench/svg.h"

#include <math.h>

#define FONT "Helvetica,Arial,sans-serif"
#define INK "#222222"
#define GRID "#dddddd"

void svg_begin(struct buf *out, double width, double height)
{
	buf_printf(out,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
		   "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
		   "font-family=\"" FONT "\" fill=\"" INK "\">\n"
		   "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
		   width, height, width, height);
}

void svg_end(struct buf *out)
{
	buf_append_str(out, "</svg>\n");
}

static void escape(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '<')
			buf_append_str(out, "&lt;");
		else if (*text == '&')
			buf_append_str(out, "&amp;");
		else
			buf_append_char(out, *text);
	}
}

void svg_text(struct buf *out, double x, double y, const char *anchor,
	      unsigned size, const char *text)
{
	buf_printf(out,
		   "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%u\" "
		   "text-anchor=\"%s\">",
		   x, y, size, anchor);
	escape(out, text);
	buf_append_str(out, "</text>\n");
}

/* From 0 to 1 along the axis. */
static double place(const struct svg_axis *a, double v)
{
	if (a->scale == SVG_LOG)
		return log(v / a->from) / log(a->to / a->from);
	return (v - a->from) / (a->to - a->from);
}

static double place_x(const struct svg_panel *p, double x)
{
	return p->left + p->width * place(&p->x, x);
}

static double place_y(const struct svg_panel *p, double y)
{
	return p->top + p->height * (1 - place(&p->y, y));
}

static void line(struct buf *out, double x1, double y1, double x2, double y2,
		 const char *colour)
{
	buf_printf(out,
		   "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
		   "stroke=\"%s\"/>\n",
		   x1, y1, x2, y2, colour);
}

void svg_tick_x(struct buf *out, const struct svg_panel *p, double x,
		const char *label)
{
	double at = place_x(p, x), bottom = p->top + p->height;

	line(out, at, p->top, at, bottom, GRID);
	svg_text(out, at, bottom + 18, "middle", 12, label);
}

void svg_tick_y(struct buf *out, const struct svg_panel *p, double y,
		const char *label)
{
	double at = place_y(p, y);

	line(out, p->left, at, p->left + p->width, at, GRID);
	svg_text(out, p->left - 8, at + 4, "end", 12, label);
}

void svg_panel_frame(struct buf *out, const struct svg_panel *p)
{
	double middle = p->top + p->height / 2;

	buf_printf(out,
		   "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		   "fill=\"none\" stroke=\"" INK "\"/>\n",
		   p->left, p->top, p->width, p->height);
	svg_text(out, p->left + p->width / 2, p->top + p->height + 40, "middle",
		 13, p->x.title);
	buf_printf(out, "<g transform=\"rotate(-90 %.1f %.1f)\">\n",
		   p->left - 62, middle);
	svg_text(out, p->left - 62, middle, "middle", 13, p->y.title);
	buf_append_str(out, "</g>\n");
}

static const char *dashes(bool dashed)
{
	return dashed ? " stroke-dasharray=\"6 4\"" : "";
}

void svg_curve(struct buf *out, const struct svg_panel *p,
	       const struct svg_point *points, size_t n, const char *colour,
	       bool dashed, bool marks)
{
	buf_append_str(out, "<polyline points=\"");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%.1f,%.1f", i == 0 ? "" : " ",
			   place_x(p, points[i].x), place_y(p, points[i].y));
	buf_printf(out,
		   "\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\" "
		   "stroke-linejoin=\"round\"%s/>\n",
		   colour, dashes(dashed));
	for (size_t i = 0; marks && i < n; i++)
		buf_printf(out,
			   "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" "
			   "fill=\"%s\"/>\n",
			   place_x(p, points[i].x), place_y(p, points[i].y),
			   colour);
}

void svg_sample(struct buf *out, double x, double y, const char *colour,
		bool dashed)
{
	buf_printf(out,
		   "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
		   "stroke=\"%s\" stroke-width=\"2\"%s/>\n",
		   x, y, x + 28, y, colour, dashes(dashed));
}
