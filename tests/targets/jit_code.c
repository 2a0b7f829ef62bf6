/*
 * A runtime that makes code: "jit_alpha" takes 60 and "jit_beta" 40 % of the CPU time.
 *
 *	jit_code SECONDS map|end|fifo|reuse|dump
 *
 * map: tells in /tmp/perf-PID.map at once; end: there, at its end; fifo: has a pipe in that place;
 * reuse: after half of the time other code, "jit_gamma" and "jit_delta", is in the same place;
 * dump: tells in ./jit-PID.dump, with lines.
 */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef void (*made_function)(long turns);

/* push %rbp; mov %rsp,%rbp; dec %rdi; jnz .-3; pop %rbp; ret */
static const uint8_t code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0xff, 0xcf, 0x75, 0xfb, 0x5d, 0xc3};

static uint8_t *page;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static made_function function_at(size_t offset)
{
	made_function function;
	uint8_t *address = page + offset;

	memcpy(&function, &address, sizeof(function));
	return function;
}

static void map_path(char *path)
{
	sprintf(path, "/tmp/perf-%d.map", (int)getpid());
}

static void tell_in_map(const char *one, const char *other)
{
	char path[64];

	map_path(path);
	FILE *map = fopen(path, "a");

	fprintf(map, "%lx %zx %s\n", (unsigned long)page, sizeof(code), one);
	fprintf(map, "%lx %zx %s\n", (unsigned long)page + 64, sizeof(code), other);
	fclose(map);
}

static void put(FILE *file, uint64_t value, size_t size)
{
	fwrite(&value, size, 1, file);
}

/* A function, and before it its lines: `line` from its start, the next from its loop. */
static void dump_function(FILE *dump, const char *name, uint64_t address, uint32_t line)
{
	put(dump, 2, 4);
	put(dump, 16 + 16 + 2 * 16 + sizeof("made.src") + 2, 4);
	put(dump, 0, 8);
	put(dump, address, 8);
	put(dump, 2, 8);
	for (uint32_t i = 0; i < 2; i++) {
		put(dump, address + i * 4, 8);
		put(dump, line + i, 4);
		put(dump, 0, 4);
		fputs(i ? "\xff" : "made.src", dump);
		fputc(0, dump);
	}
	put(dump, 0, 4);
	put(dump, 16 + 40 + strlen(name) + 1 + sizeof(code), 4);
	put(dump, 0, 8);
	put(dump, (uint64_t)getpid(), 4);
	put(dump, (uint64_t)getpid(), 4);
	put(dump, address, 8);
	put(dump, address, 8);
	put(dump, sizeof(code), 8);
	put(dump, line, 8);
	fputs(name, dump);
	fputc(0, dump);
	fwrite(code, sizeof(code), 1, dump);
}

static void tell_in_dump(void)
{
	char path[64];

	sprintf(path, "jit-%d.dump", (int)getpid());
	FILE *dump = fopen(path, "w+");

	put(dump, 0x4a695444, 4);
	put(dump, 1, 4);
	put(dump, 40, 4);
	put(dump, EM_X86_64, 4);
	put(dump, 0, 4);
	put(dump, (uint64_t)getpid(), 4);
	put(dump, 0, 8);
	put(dump, 0, 8);
	fflush(dump);
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(dump), 0) == MAP_FAILED)
		exit(1);
	dump_function(dump, "jit_alpha", (uint64_t)page, 10);
	dump_function(dump, "jit_beta", (uint64_t)page + 64, 20);
	fclose(dump);
}

static void run(double seconds)
{
	double end = now() + seconds;

	while (now() < end) {
		for (int i = 0; i < 20; i++) {
			function_at(0)(60000);
			function_at(64)(40000);
		}
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "map";
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	char path[64];

	page = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return 1;
	memcpy(page, code, sizeof(code));
	memcpy(page + 64, code, sizeof(code));
	map_path(path);
	if (strcmp(mode, "fifo") == 0 && mkfifo(path, 0600) < 0)
		return 1;
	if (strcmp(mode, "dump") == 0)
		tell_in_dump();
	if (strcmp(mode, "map") == 0 || strcmp(mode, "reuse") == 0)
		tell_in_map("jit_alpha", "jit_beta");
	if (strcmp(mode, "reuse") == 0) {
		run(seconds / 2);
		tell_in_map("jit_gamma", "jit_delta");
		run(seconds / 2);
	} else {
		run(seconds);
	}
	if (strcmp(mode, "end") == 0)
		tell_in_map("jit_alpha", "jit_beta");
	printf("%s\n", path);
	return 0;
}
