/* Whose code a location is, and how it and the command are written for people. */
#include <stdio.h>
#include <string.h>

#include "model.h"

#include "num.h"

static bool is_under(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	while (length > 1 && folder[length - 1] == '/')
		length--;
	return length > 0 && strncmp(path, folder, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/' || folder[length - 1] == '/');
}

static bool is_command_executable(const struct rend_model *model, const char *module)
{
	if (model->root == 0)
		return false;
	const struct tfmt_process_info *info = model->processes[model->root].info;
	for (size_t i = 0; i < info->image_count; i++) {
		if (strcmp(tfmt_trace_text(model->trace, info->images[i].exe), module) == 0)
			return true;
	}
	return strcmp(tfmt_trace_text(model->trace, info->exe), module) == 0;
}

/* Whether the file lies in the folder of a script that the command names by an absolute path. */
static bool is_beside_script(const struct rend_model *model, const char *file)
{
	const struct tfmt_header *header = model->header;
	for (size_t i = 1; i < header->argc; i++) {
		const char *script = header->argv[i];
		const char *name = tfmt_base_name(script);
		size_t folder_length = (size_t)(name - script), length = strlen(name);
		if (script[0] == '/' && folder_length > 1 && length > 3 &&
			strcmp(name + length - 3, ".py") == 0 &&
			strncmp(file, script, folder_length) == 0)
			return true;
	}
	return false;
}

static bool is_under_folder(const struct tfmt_location *location, const char *folder)
{
	/* Everything is under the root folder: being there says nothing. */
	return strcmp(folder, "/") != 0 &&
	       (is_under(location->module, folder) || is_under(location->file, folder));
}

/* Where the command ran, which is not where trec was when it recorded a running process. */
static bool is_in_its_folder(const struct rend_model *model, const struct tfmt_location *location)
{
	if (is_under_folder(location, model->header->cwd))
		return true;
	if (model->root == 0)
		return false;
	const struct tfmt_process_info *info = model->processes[model->root].info;
	return is_under_folder(location, tfmt_trace_text(model->trace, info->cwd));
}

/* A name that is no path is the script's, relative to where it ran, or stands for typed code. */
static bool is_typed_in(const struct rend_model *model, const char *file)
{
	const struct tfmt_header *header = model->header;
	size_t i = 1;
	if (strcmp(file, "<string>") != 0)
		return file[0] != '/' && file[0] != '\0' &&
		       (file[0] != '<' || strcmp(file, "<stdin>") == 0);
	while (i < header->argc && strcmp(header->argv[i], "-c") != 0)
		i++;
	return i < header->argc;
}

/* Whose JavaScript it is, as `*ret_name` has it: node's, a package's; 0: the program's, or none. */
static size_t node_package(const struct tfmt_location *location, const char **ret_name)
{
	static const char node[] = "node's library", folder[] = "/node_modules/";
	const char *at = location->file, *name = NULL;
	if (location->language != TFMT_LANG_JIT)
		return 0;
	if (strncmp(at, "node:", 5) == 0) {
		*ret_name = node;
		return sizeof(node) - 1;
	}
	while ((at = strstr(at, folder)) != NULL)
		name = at += sizeof(folder) - 1;
	if (name == NULL)
		return 0;
	*ret_name = name;
	size_t length = strcspn(name, "/");
	/* "@scope/package" */
	if (name[0] == '@' && name[length] == '/')
		length += 1 + strcspn(name + length + 1, "/");
	return length;
}

/* A profile of node or of a browser says nothing of where it ran, but which file is whose. */
static bool is_script_of_profile(
	const struct rend_model *model, const struct tfmt_location *location)
{
	return location->language == TFMT_LANG_JIT && model->header->cwd[0] == '\0' &&
	       location->module[0] == '\0' && location->file[0] != '\0';
}

bool rend_model_is_own(const struct rend_model *model, const struct tfmt_location *location)
{
	struct tfmt_python_package package;
	const char *name;
	if (location->language == TFMT_LANG_KERNEL)
		return false;
	for (size_t i = 0; i < model->own_count; i++) {
		const char *path = model->own_paths[i];
		if (is_under(location->module, path) || is_under(location->file, path) ||
			strcmp(tfmt_base_name(location->module), path) == 0)
			return true;
	}
	if (model->own_count > 0 || location->is_interpreter ||
		tfmt_python_package_of(location->file, &package) ||
		tfmt_python_package_of(location->module, &package) ||
		node_package(location, &name) > 0)
		return false;
	if (location->language == TFMT_LANG_PYTHON &&
		(is_typed_in(model, location->file) || is_beside_script(model, location->file)))
		return true;
	if (location->module[0] != '\0' && is_command_executable(model, location->module))
		return true;
	return is_script_of_profile(model, location) || is_in_its_folder(model, location);
}

void rend_model_library(const struct tfmt_location *location, char *name, size_t size)
{
	struct tfmt_python_package package;
	bool is_python = location->language == TFMT_LANG_PYTHON;
	const char *node_name;
	size_t node_length = node_package(location, &node_name);
	if (node_length > 0)
		snprintf(name, size, "%.*s", (int)node_length, node_name);
	else if (!is_python || !tfmt_python_package_of(location->file, &package))
		snprintf(name, size, "%s",
			tfmt_base_name(
				location->module[0] != '\0' ? location->module : location->file));
	else if (package.is_standard)
		snprintf(name, size, "Python's library");
	else
		snprintf(name, size, "%.*s", (int)package.length, package.name);
}

bool rend_model_is_runtime(const struct tfmt_location *location)
{
	static const char *const prefixes[] = {"libc.so", "libc-", "libc.musl", "ld-linux",
		"ld-musl", "ld-", "libpthread", "libstdc++", "libc++", "libgcc_s", "libm.so",
		"libm-", "libdl", "librt.", "librt-", "[vdso]", "linux-vdso"};
	const char *name = tfmt_base_name(location->module);
	if (location->is_interpreter)
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

bool rend_model_is_kernel(const struct tfmt_location *location)
{
	return location->language == TFMT_LANG_KERNEL ||
	       strncmp(location->module, "[kernel", 7) == 0;
}

enum tfmt_language rend_model_language(const struct tfmt_location *location)
{
	return rend_model_is_kernel(location) ? TFMT_LANG_KERNEL : location->language;
}

enum rend_role rend_model_role(const struct rend_model *model, const struct tfmt_location *location)
{
	if (location->is_wait)
		return REND_WAITING;
	if (rend_model_is_kernel(location))
		return REND_KERNEL;
	if (rend_model_is_own(model, location))
		return REND_OWN;
	if (location->module[0] == '\0' && location->file[0] == '\0')
		return REND_UNKNOWN;
	if (rend_model_is_runtime(location))
		return REND_RUNTIME;
	char library[REND_LIBRARY_BYTES];
	rend_model_library(location, library, sizeof(library));
	return rend_role_of_library(library);
}

void rend_model_place(const struct tfmt_location *location, char *text, size_t size)
{
	if (rend_model_is_kernel(location)) {
		snprintf(text, size, "kernel");
		return;
	}
	const char *module = tfmt_base_name(location->module);
	const char *file = tfmt_base_name(location->file);
	size_t file_length = strlen(file);
	if (location->language == TFMT_LANG_PYTHON)
		file = tfmt_python_file_name(location->file, &file_length);
	const char *gap = *module != '\0' && file_length > 0 ? " " : "";
	int length = snprintf(text, size, "%s%s%.*s", module, gap, (int)file_length, file);
	if (file_length > 0 && location->line > 0 && length >= 0 && (size_t)length < size)
		snprintf(text + length, size - (size_t)length, ":%u", (unsigned)location->line);
}

char *rend_model_amount(const struct rend_model *model, char *text, uint64_t amount)
{
	char count[NUM_TEXT_BYTES];
	if (model->weight != TFMT_WEIGHT_SAMPLES)
		return num_duration(text, amount);
	snprintf(text, NUM_TEXT_BYTES, "%.22s %s", num_count(count, amount),
		amount == 1 ? "sample" : "samples");
	return text;
}

void rend_model_command(const struct rend_model *model, char *text, size_t size)
{
	const struct tfmt_header *header = model->header;
	bool is_whole = model->pid == 0 && header->argc > 0;
	if (!is_whole && model->root > 0) {
		tfmt_trace_command(model->trace, model->root, text, size);
		return;
	}
	size_t length = 0;
	text[0] = '\0';
	for (size_t i = 0; i < header->argc && length < size; i++) {
		const char *quote =
			header->argv[i][strcspn(header->argv[i], " \t\n\"'$&|;<>()*?\\")] != '\0' ||
					header->argv[i][0] == '\0'
				? "'"
				: "";
		length += (size_t)snprintf(text + length, size - length, "%s%s%s%s",
			i > 0 ? " " : "", quote, header->argv[i], quote);
	}
}
