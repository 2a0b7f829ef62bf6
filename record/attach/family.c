#include "attach/family.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"

/* Every process of the machine. */
struct entry {
	struct rec_member member;
	bool is_ours, is_listed;
};

struct table {
	struct entry *entries; /* by pid */
	size_t count, capacity;
};

static bool read_entry(pid_t pid, struct entry *entry)
{
	struct rec_proc_stat stat;
	/* Who has started us can be recorded, but not we ourselves. */
	int fd = pid == getpid() ? -1 : rec_proc_open(pid, "stat");
	if (fd < 0)
		return false;
	bool lives = rec_proc_read_stat(fd, &stat) == 0;
	/* A main thread may have ended before the others. */
	lives = lives && ((stat.state != 'Z' && stat.state != 'X') || stat.threads > 1);
	close(fd);
	if (!lives)
		return false;
	*entry = (struct entry){.member = {.pid = pid, .ppid = stat.ppid}};
	memcpy(entry->member.name, stat.name, sizeof(stat.name));
	return true;
}

static int add_entry(struct table *table, const struct entry *entry)
{
	if (table->count == table->capacity) {
		size_t capacity = table->capacity ? 2 * table->capacity : 256;
		struct entry *entries = realloc(table->entries, capacity * sizeof(*entries));
		if (!entries)
			return -1;
		table->entries = entries;
		table->capacity = capacity;
	}
	table->entries[table->count++] = *entry;
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	pid_t left = ((const struct entry *)a)->member.pid;
	pid_t right = ((const struct entry *)b)->member.pid;
	return (left > right) - (left < right);
}

static int read_table(struct table *table)
{
	DIR *folder = opendir("/proc");
	struct dirent *file;
	struct entry entry;
	int result = folder ? 0 : -1;
	while (result == 0 && (file = readdir(folder)))
		if (isdigit((unsigned char)file->d_name[0]) &&
			read_entry((pid_t)strtol(file->d_name, NULL, 10), &entry))
			result = add_entry(table, &entry);
	if (folder)
		closedir(folder);
	qsort(table->entries, table->count, sizeof(*table->entries), compare_entries);
	return result;
}

static struct entry *find(const struct table *table, pid_t pid)
{
	struct entry key = {.member.pid = pid};
	if (table->count == 0)
		return NULL;
	return bsearch(&key, table->entries, table->count, sizeof(key), compare_entries);
}

static void mark_ours(struct table *table, const pid_t *roots, size_t root_count)
{
	for (size_t i = 0; i < root_count; i++) {
		struct entry *root = find(table, roots[i]);
		if (root)
			root->is_ours = true;
	}
	bool has_grown = true;
	while (has_grown) {
		has_grown = false;
		for (size_t i = 0; i < table->count; i++) {
			struct entry *entry = &table->entries[i];
			const struct entry *parent = find(table, entry->member.ppid);
			if (entry->is_ours || !parent || !parent->is_ours)
				continue;
			entry->is_ours = true;
			has_grown = true;
		}
	}
}

/* Parents first: numbers wrap around, so their order says nothing. */
static void list_ours(struct table *table, struct rec_family *family)
{
	size_t before;
	do {
		before = family->count;
		for (size_t i = 0; i < table->count; i++) {
			struct entry *entry = &table->entries[i];
			const struct entry *parent = find(table, entry->member.ppid);
			if (!entry->is_ours || entry->is_listed ||
				(parent && parent->is_ours && !parent->is_listed))
				continue;
			entry->is_listed = true;
			family->members[family->count++] = entry->member;
		}
	} while (family->count > before);
}

int rec_family_find(const pid_t *roots, size_t root_count, struct rec_family *ret_family)
{
	struct table table = {0};
	struct rec_family family = {0};
	int result = read_table(&table);
	if (result == 0)
		family.members = calloc(table.count + 1, sizeof(*family.members));
	if (family.members) {
		mark_ours(&table, roots, root_count);
		list_ours(&table, &family);
		*ret_family = family;
	} else {
		result = -1;
	}
	free(table.entries);
	return result;
}

void rec_family_release(struct rec_family *family)
{
	free(family->members);
	*family = (struct rec_family){0};
}

size_t rec_family_threads(pid_t pid, pid_t **ret_tids)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *folder = opendir(path);
	struct dirent *file;
	pid_t *tids = NULL;
	size_t count = 0, capacity = 0;
	while (folder && (file = readdir(folder))) {
		if (!isdigit((unsigned char)file->d_name[0]))
			continue;
		if (count == capacity) {
			capacity = capacity ? 2 * capacity : 16;
			pid_t *grown = realloc(tids, capacity * sizeof(*tids));
			if (!grown)
				break;
			tids = grown;
		}
		tids[count++] = (pid_t)strtol(file->d_name, NULL, 10);
	}
	if (folder)
		closedir(folder);
	if (count > 0)
		*ret_tids = tids;
	else
		free(tids);
	return count;
}
