/*
 * chart.c - the picture of a load: latency by percentile, each step a curve,
 * and, if there are several steps, latency against throughput beside it.
 *
 * Percentiles stand on a logarithmic axis of what is above them (1 in 10, 1 in
 * 100, ...), so that the tail has as much room as the rest; latency is
 * logarithmic, too, because a good and a bad moment of a server are decades
 * apart. Colours are those of Okabe and Ito, which colour-blind readers can
 * tell apart.
 */
#include "bench/report.h"
#include "bench/svg.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define PLOT_WIDTH 480.0
#define PLOT_HEIGHT 320.0
#define MARGIN_LEFT 90.0
#define MARGIN_TOP 128.0 /* below six lines */
#define HEAD_LEFT 20.0
#define MARGIN_RIGHT 30.0
#define BELOW_PLOT 60.0 /* ticks and titles of x */
#define LINE_HEIGHT 18.0
#define CURVE_POINTS 120

static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73",
				      "#cc79a7", "#e69f00", "#56b4e9",
				      "#000000", "#999999"};

#define NCOLOURS (sizeof(colours) / sizeof(*colours))

static const char *colour(size_t i)
{
	return colours[i % NCOLOURS];
}

/* The two histograms of each step, all operations together. */
struct chart {
	const struct report *report;
	struct load_op **totals;
	double least_ns, most_ns; /* of all that will be drawn */
	double deepest;		  /* 1/(1-p) of the last percentile shown */
	bool open;		  /* any step is an open loop */
};

/* What a client sees: the response time where there is one. */
static const struct hist *seen(const struct chart *c, size_t step)
{
	const struct load_op *total = c->totals[step];

	return c->report->steps[step].plan.rate > 0 ? &total->response
						    : &total->service;
}

static void widen(struct chart *c, const struct hist *h)
{
	if (h->count == 0)
		return;
	c->least_ns = fmin(c->least_ns, fmax(1, (double)h->min));
	c->most_ns = fmax(c->most_ns, (double)h->max);
	if ((double)h->count >= 1e6)
		c->deepest = 1e5;
}

static bool chart_init(struct chart *c, const struct report *report)
{
	*c = (struct chart){
		.report = report, .least_ns = INFINITY, .deepest = 1e4};
	c->totals = calloc(report->nsteps, sizeof(struct load_op *));
	for (size_t i = 0; c->totals != NULL && i < report->nsteps; i++) {
		c->totals[i] = load_total(report->steps[i].all);
		if (c->totals[i] == NULL)
			return false;
		c->open = c->open || report_is_open(&report->steps[i]);
		widen(c, &c->totals[i]->service);
		widen(c, seen(c, i));
	}
	if (c->most_ns == 0) {
		c->least_ns = 1000;
		c->most_ns = 1000000;
	}
	return c->totals != NULL;
}

static void chart_release(struct chart *c)
{
	for (size_t i = 0; c->totals != NULL && i < c->report->nsteps; i++)
		free(c->totals[i]);
	free(c->totals);
}

static void latency_axis(const struct chart *c, struct svg_axis *y)
{
	*y = (struct svg_axis){
		.scale = SVG_LOG,
		.from = pow(10, floor(log10(c->least_ns))),
		.to = pow(10, ceil(log10(c->most_ns) + 1e-9)),
		.title = c->open ? "response time" : "latency",
	};
}

static void latency_ticks(struct buf *out, const struct svg_panel *p)
{
	static const char *const units[] = {"ns", "\xc2\xb5s", "ms", "s"};

	for (double v = p->y.from; v <= p->y.to * 1.001; v *= 10) {
		unsigned unit = 0;
		double shown = v;
		char label[32];

		for (; unit < 3 && shown > 999.5; unit++)
			shown /= 1000;
		snprintf(label, sizeof(label), "%.0f %s", shown, units[unit]);
		svg_tick_y(out, p, v, label);
	}
}

static void percentile_ticks(struct buf *out, const struct svg_panel *p)
{
	svg_tick_x(out, p, 1, "0%");
	svg_tick_x(out, p, 2, "50%");
	for (double rest = 10; rest <= p->x.to * 1.001; rest *= 10) {
		char label[32];
		int digits = (int)lround(log10(rest)) - 2;

		snprintf(label, sizeof(label), "%.*f%%",
			 digits > 0 ? digits : 0, 100 - 100 / rest);
		svg_tick_x(out, p, rest, label);
	}
}

static void percentile_curve(struct buf *out, const struct svg_panel *p,
			     const struct hist *h, const char *ink, bool dashed)
{
	struct svg_point points[CURVE_POINTS];
	size_t n = 0;
	double end = fmin(p->x.to, (double)h->count);

	if (h->count == 0)
		return;
	for (size_t i = 0; i < CURVE_POINTS; i++) {
		double x = pow(end, (double)i / (CURVE_POINTS - 1));
		uint64_t v = hist_percentile(h, 100 - 100 / x);

		points[n++] = (struct svg_point){x, v > 0 ? (double)v : 1};
	}
	svg_curve(out, p, points, n, ink, dashed, false);
}

static void percentile_panel(struct buf *out, const struct chart *c,
			     double left)
{
	struct svg_panel p = {
		.left = left,
		.top = MARGIN_TOP,
		.width = PLOT_WIDTH,
		.height = PLOT_HEIGHT,
		.x = {.scale = SVG_LOG,
		      .from = 1,
		      .to = c->deepest,
		      .title = "percentile of the operations"},
	};

	latency_axis(c, &p.y);
	latency_ticks(out, &p);
	percentile_ticks(out, &p);
	svg_panel_frame(out, &p);
	for (size_t i = 0; i < c->report->nsteps; i++) {
		percentile_curve(out, &p, seen(c, i), colour(i), false);
		if (report_is_open(&c->report->steps[i]))
			percentile_curve(out, &p, &c->totals[i]->service,
					 colour(i), true);
	}
}

/* 1, 2 or 5 times a power of ten: about six of them up to `most`. */
static double nice_step(double most)
{
	double raw = most / 6, unit = pow(10, floor(log10(raw)));

	return raw <= unit	 ? unit
	       : raw <= 2 * unit ? 2 * unit
	       : raw <= 5 * unit ? 5 * unit
				 : 10 * unit;
}

static void rate_ticks(struct buf *out, const struct svg_panel *p, double step)
{
	for (double v = 0; v <= p->x.to * 1.001; v += step) {
		char label[32];

		if (v == 0)
			snprintf(label, sizeof(label), "0");
		else if (step >= 1e6)
			snprintf(label, sizeof(label), "%.0fM", v / 1e6);
		else if (step >= 1e3)
			snprintf(label, sizeof(label), "%.0fk", v / 1e3);
		else
			snprintf(label, sizeof(label), "%.10g", v);
		svg_tick_x(out, p, v, label);
	}
}

/* The steps in the order in which they were measured, joined: a server that
 * is past its best makes the curve turn back. */
static void throughput_curves(struct buf *out, const struct chart *c,
			      const struct svg_panel *p)
{
	static const double shown[] = {50, 99, 99.9};
	struct svg_point *points = calloc(c->report->nsteps, sizeof(*points));

	for (size_t k = 0; points != NULL && k < 3; k++) {
		size_t n = 0;

		for (size_t i = 0; i < c->report->nsteps; i++) {
			const struct hist *h = seen(c, i);
			uint64_t v = hist_percentile(h, shown[k]);

			if (h->count == 0)
				continue;
			points[n++] = (struct svg_point){
				load_rate(c->report->steps[i].all),
				v > 0 ? (double)v : 1};
		}
		svg_curve(out, p, points, n, colour(k), false, true);
	}
	out->failed = out->failed || points == NULL;
	free(points);
}

static void throughput_panel(struct buf *out, const struct chart *c,
			     double left)
{
	struct svg_panel p = {
		.left = left,
		.top = MARGIN_TOP,
		.width = PLOT_WIDTH,
		.height = PLOT_HEIGHT,
		.x = {.title = "throughput, operations a second"},
	};
	static const char *const names[] = {"p50", "p99", "p99.9"};
	double most = 1, step;

	for (size_t i = 0; i < c->report->nsteps; i++)
		most = fmax(most, load_rate(c->report->steps[i].all));
	step = nice_step(most);
	p.x.to = ceil(most / step) * step;
	latency_axis(c, &p.y);
	latency_ticks(out, &p);
	rate_ticks(out, &p, step);
	svg_panel_frame(out, &p);
	throughput_curves(out, c, &p);
	for (size_t k = 0; k < 3; k++) {
		double x = left + 90 * (double)k;
		double y = MARGIN_TOP + PLOT_HEIGHT + BELOW_PLOT + 4;

		svg_sample(out, x, y - 4, colour(k), false);
		svg_text(out, x + 36, y, "start", 12, names[k]);
	}
}

static void legend(struct buf *out, const struct chart *c, double left)
{
	double y = MARGIN_TOP + PLOT_HEIGHT + BELOW_PLOT + 4;

	for (size_t i = 0; i < c->report->nsteps; i++, y += LINE_HEIGHT) {
		const struct report_step *step = &c->report->steps[i];
		char text[160];
		int n;

		svg_sample(out, left, y - 4, colour(i), false);
		n = snprintf(text, sizeof(text), "%s%s%.0f a second",
			     step->label, step->label[0] != '\0' ? ": " : "",
			     load_rate(step->all));
		if (step->all->unsent != 0)
			snprintf(text + n, sizeof(text) - (size_t)n,
				 ", %" PRIu64 " due and not sent",
				 step->all->unsent);
		svg_text(out, left + 36, y, "start", 12, text);
	}
	if (c->open) {
		svg_sample(out, left, y - 4, "#222222", true);
		svg_text(out, left + 36, y, "start", 12,
			 "dashed: service time, from sending on");
	}
}

static void headline(struct buf *out, unsigned line, struct buf *text)
{
	buf_append_char(text, '\0');
	if (!buf_failed(text))
		svg_text(out, HEAD_LEFT, 24 + 16 * (double)line, "start",
			 line == 0 ? 15 : 11, text->data);
	buf_clear(text);
}

static void heading(struct buf *out, const struct report *r)
{
	const struct load_plan *plan = &r->steps[0].plan;
	struct buf text;

	buf_init(&text);
	buf_printf(&text, "%s, %s", r->target->name, plan->wire->name);
	headline(out, 0, &text);
	report_write_work(&text, plan);
	headline(out, 1, &text);
	report_write_manner(&text, r);
	headline(out, 2, &text);
	buf_append_str(&text, r->target->durability);
	headline(out, 3, &text);
	buf_printf(&text, "%s, %u for this program; %s", r->machine.cpu,
		   r->machine.cpus, r->machine.kernel);
	headline(out, 4, &text);
	buf_printf(&text, "%s; seed %" PRIu64, r->target->file_system,
		   plan->seed);
	headline(out, 5, &text);
	buf_release(&text);
}

void report_write_chart(struct buf *out, const struct report *r)
{
	double panel = MARGIN_LEFT + PLOT_WIDTH + MARGIN_RIGHT;
	size_t panels = r->nsteps > 1 ? 2 : 1;
	struct chart c;

	if (!chart_init(&c, r)) {
		out->failed = true;
		chart_release(&c);
		return;
	}
	svg_begin(out, panel * (double)panels,
		  MARGIN_TOP + PLOT_HEIGHT + BELOW_PLOT + 20 +
			  LINE_HEIGHT * (double)(r->nsteps + c.open));
	heading(out, r);
	if (panels == 2)
		throughput_panel(out, &c, MARGIN_LEFT);
	percentile_panel(out, &c, panel * (double)(panels - 1) + MARGIN_LEFT);
	legend(out, &c, panel * (double)(panels - 1) + MARGIN_LEFT);
	svg_end(out);
	chart_release(&c);
}
