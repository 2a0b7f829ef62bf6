#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

/* Each trace that is open takes some MB and a file. */
#define MAX_PARTS 256

struct part_list {
	struct input_part *items;
	size_t count;
};

/* The newest *.cbor.zst here, or NULL. Owns: the caller frees it. */
static char *newest_trace(void)
{
	glob_t found;
	if (glob("*.cbor.zst", 0, NULL, &found) != 0)
		return NULL;
	char *newest = NULL;
	struct timespec newest_time = {0, 0};
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct stat st;
		if (stat(found.gl_pathv[i], &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		if (newest && (st.st_mtim.tv_sec < newest_time.tv_sec ||
				      (st.st_mtim.tv_sec == newest_time.tv_sec &&
					      st.st_mtim.tv_nsec <= newest_time.tv_nsec)))
			continue;
		free(newest);
		newest = strdup(found.gl_pathv[i]);
		newest_time = st.st_mtim;
	}
	globfree(&found);
	return newest;
}

static bool stdin_has_data(void)
{
	struct stat st;
	return fstat(STDIN_FILENO, &st) == 0 &&
	       (S_ISFIFO(st.st_mode) || S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int no_memory(const struct msg *msg)
{
	msg_error(msg, "no memory");
	return EXIT_FAILED;
}

/* What to read where nothing was named. Returns 0, or the exit status. */
static int choose_default(char **ret_name, const struct msg *msg)
{
	if (stdin_has_data()) {
		*ret_name = strdup("-");
		return *ret_name ? 0 : no_memory(msg);
	}
	*ret_name = newest_trace();
	if (*ret_name) {
		msg_warn(msg, "reading %s, the newest trace here", *ret_name);
		return 0;
	}
	msg_error(msg, "no trace named, and no *.cbor.zst here: record one with `trec COMMAND`");
	return EXIT_USAGE;
}

/* Returns 0, or the exit status. */
static int open_path(const char *path, const char **ret_name, int *ret_fd, const struct msg *msg)
{
	*ret_name = path;
	if (strcmp(path, "-") == 0) {
		*ret_name = "standard input";
		if (isatty(STDIN_FILENO)) {
			msg_error(msg, "standard input is a terminal: name a trace file");
			return EXIT_USAGE;
		}
		*ret_fd = dup(STDIN_FILENO);
	} else {
		*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (*ret_fd >= 0)
		return 0;
	msg_error(msg, "cannot open %s: %s", *ret_name, strerror(errno));
	return EXIT_FAILED;
}

int input_open_raw(const char *path, const struct msg *msg, char **ret_name, int *ret_fd)
{
	char *chosen = NULL;
	const char *name;
	int status = path ? 0 : choose_default(&chosen, msg);
	if (status == 0)
		status = open_path(path ? path : chosen, &name, ret_fd, msg);
	if (status == 0 && !(*ret_name = strdup(name))) {
		close(*ret_fd);
		status = no_memory(msg);
	}
	free(chosen);
	return status;
}

/* What is no trace and no recording of others either. */
static int say_unreadable(
	int fd, const char *name, const struct tfmt_error *err, const struct msg *msg)
{
	struct stat st;
	bool is_foreign = err->code == TFMT_E_FORMAT && fstat(fd, &st) == 0 && st.st_size > 0;
	msg_error(msg, "%s: %s%s", name, err->message,
		is_foreign ? "; no other recording known by its content (--from-format)" : "");
	return EXIT_FAILED;
}

/* Make room for one more. Returns 0, or the exit status. */
static int reserve_part(struct part_list *parts, const char *name, const struct msg *msg)
{
	if (parts->count == MAX_PARTS) {
		msg_error(msg,
			"%s: more than %d traces at once: merge some of them first with "
			"`tconv --trace`",
			name, MAX_PARTS);
		return EXIT_FAILED;
	}
	struct input_part *grown = reallocarray(parts->items, parts->count + 1, sizeof(*grown));
	if (!grown)
		return no_memory(msg);
	parts->items = grown;
	return 0;
}

/* Add the trace that begins where `fd` is. Takes `name`. Returns 0, or the exit status. */
static int add_part(struct part_list *parts, char *name, int fd, const struct input_how *how,
	const struct msg *msg)
{
	struct tfmt_error err;
	struct tfmt_reader *reader;
	int status = name ? reserve_part(parts, name, msg) : no_memory(msg);
	if (status == 0 && tfmt_reader_open_fd(fd, &reader, &err) != 0)
		status = say_unreadable(fd, name, &err, msg);
	if (status != 0) {
		free(name);
		return status;
	}
	parts->items[parts->count++] = (struct input_part){name, fd, reader};
	progress_watch(how->progress, reader);
	if (tfmt_reader_scan(reader, &err) == 0)
		return 0;
	msg_error(msg, "%s: %s", name, err.message);
	return EXIT_FAILED;
}

/* Add all traces of a file, one behind the other. Takes `fd`. Returns 0, or the exit status. */
static int add_file(struct part_list *parts, const char *name, int fd, const struct input_how *how,
	const struct msg *msg)
{
	off_t begin = lseek(fd, 0, SEEK_CUR);
	size_t first = parts->count;
	uint64_t offset = 0;
	int status = add_part(parts, strdup(name), fd, how, msg);
	if (status != 0 && parts->count == first)
		close(fd);
	while (status == 0 &&
		tfmt_reader_is_followed(parts->items[parts->count - 1].reader, &offset)) {
		char *numbered = NULL;
		begin += (off_t)offset;
		if (asprintf(&numbered, "%s, trace %zu", name, parts->count - first + 1) < 0)
			numbered = NULL;
		if (lseek(fd, begin, SEEK_SET) < 0)
			break;
		status = add_part(parts, numbered, fd, how, msg);
	}
	return status;
}

static int add_path(struct part_list *parts, const char *path, const struct input_how *how,
	const struct msg *msg)
{
	const char *name;
	int fd = -1, import_fd = -1;
	int status = open_path(path, &name, &fd, msg);
	if (status == 0)
		status = how->import(fd, name, how->format, how->progress, msg, &import_fd);
	if (import_fd >= 0) {
		close(fd);
		fd = import_fd;
	}
	if (status == 0)
		return add_file(parts, name, fd, how, msg);
	if (fd >= 0)
		close(fd);
	return status;
}

static void release_parts(struct part_list *parts)
{
	for (size_t i = 0; i < parts->count; i++) {
		tfmt_reader_free(parts->items[i].reader);
		if (i + 1 == parts->count || parts->items[i].fd != parts->items[i + 1].fd)
			close(parts->items[i].fd);
		free(parts->items[i].name);
	}
	free(parts->items);
	*parts = (struct part_list){0};
}

/* One trace is the input itself. */
static void take_part(struct input *input, struct part_list *parts)
{
	input->owned_name = parts->items[0].name;
	input->fd = parts->items[0].fd;
	input->reader = parts->items[0].reader;
	free(parts->items);
	*parts = (struct part_list){0};
}

static int merge_parts(struct input *input, struct part_list *parts, const struct input_how *how,
	const struct msg *msg)
{
	struct tfmt_error err;
	int status = how->merge(parts->items, parts->count, how->sums, msg, &input->fd);
	if (status != 0 && status != EXIT_DAMAGED)
		return status;
	input->is_merged = true;
	input->is_damaged = status == EXIT_DAMAGED;
	if (asprintf(&input->owned_name, "%s and %zu more", parts->items[0].name,
		    parts->count - 1) < 0)
		input->owned_name = NULL;
	release_parts(parts);
	if (!input->owned_name)
		return no_memory(msg);
	int failure = tfmt_reader_open_fd(input->fd, &input->reader, &err);
	if (failure == 0) {
		progress_watch(how->progress, input->reader);
		failure = tfmt_reader_scan(input->reader, &err);
	}
	if (failure == 0)
		return 0;
	msg_error(msg, "%s: %s", input->owned_name, err.message);
	return EXIT_FAILED;
}

int input_open(struct input *input, char *const *paths, size_t path_count,
	const struct input_how *how, const struct msg *msg)
{
	struct part_list parts = {0};
	char *chosen = NULL;
	int status = 0;
	*input = (struct input){.fd = -1, .progress = how->progress};
	progress_begin(how->progress, msg);
	if (path_count == 0) {
		status = choose_default(&chosen, msg);
		paths = &chosen;
		path_count = 1;
	}
	for (size_t i = 0; i < path_count && status == 0; i++)
		status = add_path(&parts, paths[i], how, msg);
	if (status == 0 && parts.count == 1)
		take_part(input, &parts);
	else if (status == 0)
		status = merge_parts(input, &parts, how, msg);
	input->name = input->owned_name;
	input->is_stdin = path_count == 1 && paths[0] && strcmp(paths[0], "-") == 0;
	release_parts(&parts);
	free(chosen);
	if (status != 0)
		input_close(input);
	return status;
}

void input_close(struct input *input)
{
	tfmt_reader_free(input->reader);
	if (input->fd >= 0)
		close(input->fd);
	free(input->owned_name);
	*input = (struct input){.fd = -1};
}

int input_report_damage(const struct input *input, const struct msg *msg)
{
	const struct tfmt_damage *damage = tfmt_reader_damage(input->reader);
	if (!tfmt_damage_any(damage))
		return input->is_damaged ? EXIT_DAMAGED : EXIT_OK;
	char text[256];
	tfmt_damage_describe(damage, text, sizeof(text));
	msg_warn(msg, "%s: %s; what is whole has been used", input->name, text);
	return EXIT_DAMAGED;
}
