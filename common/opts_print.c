#include "opts_print.h"

#include <stdio.h>
#include <string.h>

/* Options that every tool has without a row for them. */
static const struct opt_row common_rows[] = {
	{.name = "help", .letter = 'h', .type = OPT_FLAG, .help = "print this help"},
	{.name = "version", .type = OPT_FLAG, .help = "print the version"},
};

#define COMMON_ROWS (sizeof(common_rows) / sizeof(*common_rows))

/* Call `print` for each option: the rows of the table, then the common ones. */
static void each_row(
	const struct opts_spec *spec, void (*print)(const char *tool, const struct opt_row *row))
{
	for (size_t i = 0; i < spec->row_count; i++)
		print(spec->tool, &spec->rows[i]);
	for (size_t i = 0; i < COMMON_ROWS; i++)
		print(spec->tool, &common_rows[i]);
}

/* ---- --help ---- */

static void print_help_row(const char *tool, const struct opt_row *row)
{
	char left[64];
	char prefix[8] = "    ";
	if (!row->name) {
		printf("\n%s:\n", row->help);
		return;
	}
	if (row->letter)
		snprintf(prefix, sizeof(prefix), "-%c, ", row->letter);
	bool is_optional = row->type == OPT_OPTIONAL;
	snprintf(left, sizeof(left), "%s--%s%s%s%s", prefix, row->name,
		is_optional	? "[="
		: row->argument ? " "
				: "",
		row->argument ? row->argument : "", is_optional ? "]" : "");
	printf("  %-26s%s%s\n", left, strlen(left) >= 26 ? "\n                            " : "",
		row->help);
}

void opts_print_help(const struct opts_spec *spec)
{
	const char *line = spec->synopsis;
	for (const char *label = "usage:"; *line; label = "      ") {
		int length = (int)strcspn(line, "\n");
		printf("%s %.*s\n", label, length, line);
		line += length + (line[length] == '\n');
	}
	printf("\n%s\n", spec->summary);
	each_row(spec, print_help_row);
	if (spec->examples)
		printf("\nexamples:\n%s", spec->examples);
}

/* ---- man pages ---- */

/* A sentence of --help as a line of roff: a capital first, a full stop, nothing that is a request.
 */
static void print_sentence(const char *text, const char *stop)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	if (*text)
		putchar(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text);
	for (const char *at = *text ? text + 1 : text; *at; at++) {
		if (*at == '\\')
			fputs("\\e", stdout);
		else
			putchar(*at);
	}
	puts(stop);
}

static void print_mdoc_row(const char *tool, const struct opt_row *row)
{
	if (!row->name) {
		fputs(".Ss ", stdout);
		print_sentence(row->help, "");
		return;
	}
	fputs(".It", stdout);
	if (row->letter)
		printf(" Fl %c ,", row->letter);
	printf(" Fl -%s", row->name);
	if (row->type == OPT_OPTIONAL)
		printf(" Ns Op = Ns Ar %s", row->argument);
	else if (row->argument)
		printf(" Ar %s", row->argument);
	putchar('\n');
	print_sentence(row->help, ".");
}

/* One list of options after each heading. */
static void print_mdoc(const struct opts_spec *spec)
{
	bool in_list = false;
	for (size_t i = 0; i < spec->row_count; i++) {
		const struct opt_row *row = &spec->rows[i];
		bool is_option = row->name != NULL;
		if (is_option != in_list)
			puts(is_option ? ".Bl -tag -width Ds" : ".El");
		in_list = is_option;
		print_mdoc_row(spec->tool, row);
	}
	for (size_t i = 0; i < COMMON_ROWS; i++)
		print_mdoc_row(spec->tool, &common_rows[i]);
	puts(".El");
}

/* ---- completion ---- */

static bool takes_pids(const struct opt_row *row)
{
	return row->argument && strncmp(row->argument, "PID", 3) == 0;
}

static bool takes_files(const struct opt_row *row)
{
	return row->argument &&
	       (strcmp(row->argument, "FILE") == 0 || strcmp(row->argument, "PATH") == 0);
}

static void print_bash_word(const char *tool, const struct opt_row *row)
{
	if (row->name)
		printf(" --%s", row->name);
}

static void print_bash_values(const char *tool, const struct opt_row *row)
{
	/* The word after it is something else when its value is optional. */
	if (!row->argument || row->type == OPT_OPTIONAL)
		return;
	printf("\t--%s", row->name);
	if (row->letter)
		printf("|-%c", row->letter);
	if (row->values)
		printf(") COMPREPLY=($(compgen -W '%s' -- \"$word\")) ;;\n", row->values);
	else if (takes_pids(row))
		printf(") COMPREPLY=($(compgen -W \"$(ps -e -o pid=)\" -- \"$word\")) ;;\n");
	else if (takes_files(row))
		printf(") COMPREPLY=($(compgen -f -- \"$word\")) ;;\n");
	else
		printf(") COMPREPLY=() ;;\n");
}

static void print_bash(const struct opts_spec *spec)
{
	printf("# bash completion for %s\n_%s()\n{\n", spec->tool, spec->tool);
	puts("\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}");
	if (spec->stop_at_operand) {
		puts("\tlocal i");
		puts("\tfor ((i = 1; i < COMP_CWORD; i++)); do");
		puts("\t\tif [[ ${COMP_WORDS[i]} == -- ]] && declare -F _command_offset >/dev/null; then");
		puts("\t\t\t_command_offset $((i + 1)); return");
		puts("\t\tfi");
		puts("\tdone");
	}
	puts("\tcase $before in");
	for (size_t i = 0; i < spec->row_count; i++)
		print_bash_values(spec->tool, &spec->rows[i]);
	puts("\t*)");
	puts("\t\tif [[ $word == -* ]]; then");
	fputs("\t\t\tCOMPREPLY=($(compgen -W '", stdout);
	each_row(spec, print_bash_word);
	puts("' -- \"$word\"))");
	puts("\t\telse");
	printf("\t\t\tCOMPREPLY=($(compgen %s -- \"$word\"))\n",
		spec->stop_at_operand ? "-c -f" : "-f");
	puts("\t\tfi ;;");
	printf("\tesac\n}\ncomplete -o filenames -F _%s %s\n", spec->tool, spec->tool);
}

/* A text within single quotes, where brackets and colons have a meaning to zsh. */
static void print_zsh_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr("[]:\\", *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void print_zsh_row(const char *tool, const struct opt_row *row)
{
	if (!row->name)
		return;
	const char *repeats = row->type == OPT_COUNT || row->type == OPT_LIST ? "*" : "";
	const char *joint = row->type == OPT_OPTIONAL ? "=-" : row->argument ? "=" : "";
	for (int is_long = row->letter == '\0'; is_long <= 1; is_long++) {
		if (is_long)
			printf("\t'%s--%s%s[", repeats, row->name, joint);
		else
			printf("\t'%s-%c[", repeats, row->letter);
		print_zsh_text(row->help);
		putchar(']');
		if (row->argument) {
			fputs(row->type == OPT_OPTIONAL ? "::" : ":", stdout);
			print_zsh_text(row->argument);
			if (row->values)
				printf(":(%s)", row->values);
			else
				printf(":%s", takes_pids(row)	 ? "_pids"
					      : takes_files(row) ? "_files"
								 : "");
		}
		puts("' \\");
	}
}

static void print_zsh(const struct opts_spec *spec)
{
	printf("#compdef %s\n_arguments -s%s \\\n", spec->tool,
		spec->stop_at_operand ? " -S -A '-*'" : "");
	each_row(spec, print_zsh_row);
	puts(spec->stop_at_operand ? "\t'(-):command:_command_names -e' '*::arguments:_normal'"
				   : "\t'*:trace:_files -g \"*.zst\"'");
}

static void print_fish_row(const char *tool, const struct opt_row *row)
{
	if (!row->name)
		return;
	printf("complete -c %s -l %s", tool, row->name);
	if (row->letter)
		printf(" -s %c", row->letter);
	if (row->values)
		printf(" -x -a '%s'", row->values);
	else if (takes_pids(row))
		printf(" -x -a '(__fish_complete_pids)'");
	else if (takes_files(row))
		printf(" -r");
	else if (row->type == OPT_OPTIONAL)
		printf(" -f");
	else if (row->argument)
		printf(" -x");
	fputs(" -d '", stdout);
	for (const char *at = row->help; *at; at++) {
		if (*at == '\'' || *at == '\\')
			putchar('\\');
		putchar(*at);
	}
	puts("'");
}

static void print_fish(const struct opts_spec *spec)
{
	printf("# fish completion for %s\n", spec->tool);
	if (spec->stop_at_operand)
		printf("complete -c %s -a '(__fish_complete_subcommand)'\n", spec->tool);
	each_row(spec, print_fish_row);
}

bool opts_describe(const struct opts_spec *spec, const char *what)
{
	static const struct {
		const char *what;
		void (*print)(const struct opts_spec *spec);
	} descriptions[] = {
		{"bash", print_bash},
		{"fish", print_fish},
		{"mdoc", print_mdoc},
		{"zsh", print_zsh},
	};
	for (size_t i = 0; i < sizeof(descriptions) / sizeof(*descriptions); i++) {
		if (strcmp(what, descriptions[i].what) == 0) {
			descriptions[i].print(spec);
			return true;
		}
	}
	return false;
}
