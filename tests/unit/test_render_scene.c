/* The display list, its bounds, and what roles look like. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/scene.h"
#include "render/view.h"

static struct rend_scene *new_scene(void)
{
	struct rend_scene *scene;
	assert_int_equal(rend_scene_new(400, &scene), 0);
	scene->height_px = 100;
	return scene;
}

static void a_scene_is_told_as_text(void **state)
{
	static const char expected[] =
		"scene 400x100 \"make | all\"\n"
		"rect cpu 1.0,2.0 3.0x4.5\n"
		"hatch waiting 10.0,0.0 20.0x5.0\n"
		"line memory 0.0,0.0 5.5,6.0\n"
		"group \"g\"\n"
		"text muted 5.0,6.0 end 12px \"hello\"\n"
		"item own 0.0,0.0 100.0x17.0 label=\"main\" title=\"main | a.c:3\"\n"
		"item waiting 10.0,0.0 20.0x5.0\n"
		"group end\n";
	struct rend_scene *scene = new_scene();
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	rend_scene_describe(scene, "make\nall", "");
	rend_scene_rect(scene, REND_CPU, (struct rend_rect){1, 2, 3, 4.5});
	rend_scene_rect(scene, REND_CPU, (struct rend_rect){1, 2, 0, 4.5});
	rend_scene_group(scene, "g");
	rend_scene_text(scene, &(struct rend_text){.x = 5,
				       .y = 6,
				       .text = "hello",
				       .font = REND_FONT_BODY,
				       .role = REND_MUTED,
				       .anchor = REND_ANCHOR_END});
	rend_scene_item(scene, &(struct rend_item){.rect = {0, 0, 100, 17},
				       .fill = REND_OWN,
				       .label = "main",
				       .title = "main\na.c:3"});
	rend_scene_item(scene, &(struct rend_item){.rect = {10, 0, 20, 5},
				       .fill = REND_WAITING,
				       .is_hatched = true,
				       .label = "too narrow"});
	rend_scene_group_end(scene);
	rend_scene_line(
		scene, REND_MEMORY, 1.5, true, (const struct rend_point[]){{0, 0}, {5.5, 6}}, 2);
	rend_scene_dump(scene, stream);
	fclose(stream);
	assert_string_equal(text, expected);
	assert_false(rend_scene_failed(scene));
	free(text);
	rend_scene_free(scene);
}

static void items_and_labels_are_bounded(void **state)
{
	struct rend_scene *scene = new_scene();
	for (int i = 0; i < 3 * REND_MAX_ITEMS; i++)
		rend_scene_item(scene, &(struct rend_item){.rect = {0, i, 100, 17},
					       .fill = REND_OWN,
					       .label = "main",
					       .title = "main"});
	assert_int_equal(scene->item_count, REND_MAX_ITEMS);
	assert_int_equal(scene->label_count, REND_MAX_LABELS);
	rend_scene_free(scene);
}

static void titles_are_bounded(void **state)
{
	struct rend_scene *scene = new_scene();
	char *name = malloc(100001);
	memset(name, 'T', 100000);
	name[100000] = '\0';
	rend_scene_item(scene,
		&(struct rend_item){.rect = {0, 0, 100, 17}, .fill = REND_OWN, .title = name});
	assert_true(strlen(scene->marks[0].item.title) < 1100);
	free(name);
	rend_scene_free(scene);
}

/* Relative luminance, as WCAG has it. */
static double luminance(struct rend_colour colour)
{
	const double parts[] = {colour.red / 255.0, colour.green / 255.0, colour.blue / 255.0};
	static const double weights[] = {0.2126, 0.7152, 0.0722};
	double sum = 0;
	for (int i = 0; i < 3; i++)
		sum += weights[i] * (parts[i] <= 0.04045 ? parts[i] / 12.92
							 : pow((parts[i] + 0.055) / 1.055, 2.4));
	return sum;
}

static double contrast(struct rend_colour a, struct rend_colour b)
{
	double light = fmax(luminance(a), luminance(b));
	double dark = fmin(luminance(a), luminance(b));
	return (light + 0.05) / (dark + 0.05);
}

static void texts_can_be_read_in_all_themes(void **state)
{
	static const char *const names[] = {"light", "dark", "print"};
	for (size_t i = 0; i < 3; i++) {
		const struct rend_theme *theme = rend_theme_find(names[i]);
		assert_non_null(theme);
		struct rend_colour page = rend_theme_colour(theme, REND_BACKGROUND);
		struct rend_colour panel = rend_theme_colour(theme, REND_PANEL);
		for (enum rend_role role = REND_TEXT; role <= REND_WARNING; role++) {
			assert_true(contrast(rend_theme_colour(theme, role), page) >= 4.5);
			assert_true(contrast(rend_theme_colour(theme, role), panel) >= 4.5);
		}
		for (enum rend_role role = REND_ALL; role < REND_ROLE_COUNT; role++) {
			if (role != REND_HATCH && role != REND_MARK)
				assert_true(contrast(rend_theme_colour(theme, role),
						    rend_theme_label(theme, role)) >= 4.5);
		}
	}
	assert_null(rend_theme_find("pink"));
}

/* By lightness alone: marks on every box, lines on what waits, own code beside libraries. */
static void kinds_of_code_are_told_apart_without_colour(void **state)
{
	static const char *const names[] = {"light", "dark", "print"};
	for (size_t i = 0; i < 3; i++) {
		const struct rend_theme *theme = rend_theme_find(names[i]);
		struct rend_colour mark = rend_theme_colour(theme, REND_MARK);
		struct rend_colour own = rend_theme_colour(theme, REND_OWN);
		assert_true(contrast(rend_theme_colour(theme, REND_HATCH),
				    rend_theme_colour(theme, REND_WAITING)) >= 1.7);
		for (enum rend_role role = REND_ALL; role <= REND_UNKNOWN; role++)
			assert_true(contrast(mark, rend_theme_colour(theme, role)) >= 2);
		for (enum rend_role tint = 0; tint < REND_LIBRARY_TINTS; tint++) {
			struct rend_colour library = rend_theme_colour(theme, REND_LIBRARY + tint);
			assert_true(contrast(mark, library) >= 2);
			assert_true(contrast(own, library) >= 1.25);
		}
	}
}

/* Without colour too, and the least is told from nothing. */
static void more_heat_is_further_from_the_page(void **state)
{
	static const char *const names[] = {"light", "dark", "print"};
	for (size_t i = 0; i < 3; i++) {
		const struct rend_theme *theme = rend_theme_find(names[i]);
		struct rend_colour page = rend_theme_colour(theme, REND_PANEL);
		for (int level = 0; level < REND_HEAT_LEVELS; level++) {
			double last =
				level > 0
					? contrast(rend_theme_colour(theme, REND_HEAT + level - 1),
						  page)
					: 1;
			double own = contrast(rend_theme_colour(theme, REND_HEAT + level), page);
			assert_true(own >= last * 1.1);
		}
	}
}

static void a_library_keeps_its_tint(void **state)
{
	enum rend_role role = rend_role_of_library("/usr/lib/liblzma.so.5");
	assert_in_range(role, REND_LIBRARY, REND_ROLE_COUNT - 1);
	assert_int_equal(role, rend_role_of_library("/opt/other/liblzma.so.5.4.1"));
	for (enum rend_role each = REND_NONE; each < REND_ROLE_COUNT; each++)
		assert_non_null(rend_role_name(each));
}

static void the_registry_is_sorted_and_whole(void **state)
{
	size_t count;
	const struct rend_view *const *views = rend_views(&count);
	for (size_t i = 0; i < count; i++) {
		const struct rend_view *view = views[i];
		assert_ptr_equal(rend_view_find(view->name), view);
		assert_true(view->summary[0] != '\0');
		assert_non_null(view->has_data);
		assert_non_null(view->missing);
		assert_true(view->prepare != NULL || view->text != NULL);
		if (view->prepare != NULL) {
			assert_non_null(view->height_px);
			assert_non_null(view->draw);
			assert_non_null(view->release);
		}
		if (i > 0)
			assert_true(strcmp(views[i - 1]->name, view->name) < 0);
	}
	assert_null(rend_view_find("strips"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scene_is_told_as_text),
		cmocka_unit_test(items_and_labels_are_bounded),
		cmocka_unit_test(titles_are_bounded),
		cmocka_unit_test(texts_can_be_read_in_all_themes),
		cmocka_unit_test(kinds_of_code_are_told_apart_without_colour),
		cmocka_unit_test(more_heat_is_further_from_the_page),
		cmocka_unit_test(a_library_keeps_its_tint),
		cmocka_unit_test(the_registry_is_sorted_and_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
