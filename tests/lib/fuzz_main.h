/*
 * A fuzzer with libFuzzer (make VARIANT=fuzz) mutates; otherwise this main() replays the files
 * given as arguments, each in memory of just its size, so that a read beyond its end is found.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef WITH_LIBFUZZER
static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (!file || fseek(file, 0, SEEK_END) < 0 || (size = ftell(file)) < 0) {
		perror(path);
		return 1;
	}
	rewind(file);
	data = malloc((size_t)size);
	if (size > 0 && (!data || fread(data, 1, (size_t)size, file) != (size_t)size))
		abort();
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	printf("%d files replayed\n", argc - 1);
	return failed;
}
#endif
