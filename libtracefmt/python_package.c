#include <ctype.h>
#include <string.h>

#include "tracefmt/trace.h"

/* What follows a folder of that name in a path, the last one when there are several; or NULL. */
static const char *below(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	const char *found = NULL;

	for (const char *at = strstr(path, folder); at; at = strstr(at + 1, folder))
		if (at > path && at[-1] == '/' && at[length] == '/')
			found = at + length + 1;
	return found;
}

/* What follows "/lib/python3.11/", "/lib64/python3.13t/" or "/lib/python311.zip/"; or NULL. */
static const char *below_standard_library(const char *path)
{
	for (const char *at = strstr(path, "/python3"); at; at = strstr(at + 1, "/python3")) {
		size_t before = (size_t)(at - path);
		const char *end = at + strlen("/python3");
		bool is_in_lib = (before >= 4 && !memcmp(at - 4, "/lib", 4)) ||
				 (before >= 6 && !memcmp(at - 6, "/lib64", 6));

		while (isdigit((unsigned char)*end) || *end == '.' || *end == 't')
			end++;
		if (!strncmp(end, "zip", 3))
			end += 3;
		if (is_in_lib && *end == '/')
			return end + 1;
	}
	return NULL;
}

bool tfmt_python_package_of(const char *file, struct tfmt_python_package *ret_package)
{
	static const char frozen[] = "<frozen ";
	const char *name = below(file, "site-packages");
	bool is_standard = false;

	if (!name)
		name = below(file, "dist-packages");
	if (!name) {
		is_standard = true;
		name = strncmp(file, frozen, strlen(frozen)) ? below_standard_library(file)
							     : file + strlen(frozen);
	}
	if (name && is_standard && !strncmp(name, "lib-dynload/", strlen("lib-dynload/")))
		name += strlen("lib-dynload/");
	if (!name || *name == '\0')
		return false;
	*ret_package = (struct tfmt_python_package){
		.name = name, .length = strcspn(name, "/.>"), .is_standard = is_standard};
	return true;
}

const char *tfmt_python_file_name(const char *file, size_t *ret_length)
{
	struct tfmt_python_package package;
	const char *name = tfmt_base_name(file);

	if (tfmt_python_package_of(file, &package))
		name = package.name;
	/* The end of "<frozen importlib._bootstrap>", but not that of "<string>". */
	*ret_length = file[0] == '<' && name != file ? strcspn(name, ">") : strlen(name);
	return name;
}
