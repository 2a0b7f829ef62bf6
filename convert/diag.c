#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag_cbor.h"
#include "files.h"
#include "structure.h"
#include "tracefmt/reader.h"
#include "tracefmt/walk.h"

struct diag {
	const char *name;
	const struct msg *msg;
	struct conv_sink sink;
	bool shows_all;
	bool has_chunk; /* there was one: the file is of our format */
	bool is_damaged;
	uint64_t foreign_bytes; /* before the first chunk */
};

static void put_piece(struct diag *diag, const struct tfmt_piece *piece)
{
	char text[256];

	if (piece->type == TFMT_PIECE_FRAME)
		snprintf(text, sizeof(text),
			"/ byte %" PRIu64 ": frame, %" PRIu64 " bytes, %zu unpacked /\n",
			piece->offset, piece->size_bytes, piece->data_bytes);
	else if (piece->type == TFMT_PIECE_SKIPPABLE)
		snprintf(text, sizeof(text),
			"/ byte %" PRIu64 ": skippable frame, %" PRIu64 " bytes /\n", piece->offset,
			piece->size_bytes);
	else
		snprintf(text, sizeof(text),
			"/ byte %" PRIu64 ": %" PRIu64 " bytes skipped: %s /\n", piece->offset,
			piece->size_bytes, piece->fault);
	conv_put_text(&diag->sink, text);
	diag->is_damaged |= piece->type == TFMT_PIECE_FOREIGN;
	if (piece->type == TFMT_PIECE_FRAME &&
		diag_put_items(&diag->sink, piece->data, piece->data_bytes, diag->shows_all))
		diag->is_damaged = true;
}

/* A chunk is a map, maybe in the tag of headers: what else is packed is not ours. */
static bool is_chunk(const struct tfmt_piece *piece)
{
	static const uint8_t magic[] = {0xd9, 0xd9, 0xf7};
	const uint8_t *data = piece->data;
	size_t size = piece->data_bytes;

	if (piece->type != TFMT_PIECE_FRAME)
		return false;
	if (size >= sizeof(magic) && memcmp(data, magic, sizeof(magic)) == 0)
		return true;
	return size > 0 && data[0] >> 5 == 5;
}

static int walk(struct diag *diag, int fd)
{
	struct tfmt_walk *pieces;
	const struct tfmt_piece *piece;
	struct tfmt_error err = {0};
	int code = tfmt_walk_new(fd, &pieces);

	if (code) {
		msg_error(diag->msg, "no memory");
		return EXIT_FAILED;
	}
	while (diag->sink.saved_errno == 0 && (code = tfmt_walk_next(pieces, &piece, &err)) > 0) {
		diag->has_chunk |= is_chunk(piece);
		if (diag->has_chunk && diag->foreign_bytes > 0) {
			diag_put_skipped(&diag->sink, diag->foreign_bytes);
			diag->foreign_bytes = 0;
			diag->is_damaged = true;
		}
		if (diag->has_chunk)
			put_piece(diag, piece);
		else
			diag->foreign_bytes += piece->size_bytes;
	}
	tfmt_walk_free(pieces);
	if (code < 0)
		msg_error(diag->msg, "%s: %s", diag->name, err.message);
	else if (!diag->has_chunk)
		msg_error(diag->msg, "%s: %s", diag->name,
			diag->foreign_bytes ? "not a trace: no zstd frame that holds a CBOR map"
					    : "the file is empty");
	return code < 0 || !diag->has_chunk ? EXIT_FAILED : EXIT_OK;
}

/* A file can be asked first what it is, in better words; a pipe cannot. */
static int refuse_foreign(const struct diag *diag, int fd)
{
	struct tfmt_reader *reader;
	struct tfmt_error err = {0};
	struct stat st;
	int code;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return EXIT_OK;
	code = tfmt_reader_open_fd(fd, &reader, &err);
	if (!code)
		tfmt_reader_free(reader);
	else if (code == TFMT_E_VERSION)
		msg_warn(diag->msg, "%s: %s", diag->name, err.message);
	else
		msg_error(diag->msg, "%s: %s", diag->name, err.message);
	return code && code != TFMT_E_VERSION ? EXIT_FAILED : EXIT_OK;
}

static int show(struct diag *diag, int fd, const char *path_out)
{
	struct output output;
	int status = refuse_foreign(diag, fd);

	if (!status)
		status = output_open(&output, path_out, false, diag->msg);
	if (status)
		return status;
	if (conv_sink_init(&diag->sink, output.stream)) {
		msg_error(diag->msg, "no memory");
		output_abort(&output);
		return EXIT_FAILED;
	}
	status = walk(diag, fd);
	conv_sink_flush(&diag->sink);
	if (!status)
		status = output_commit(&output, diag->msg);
	output_abort(&output);
	conv_sink_release(&diag->sink);
	return status ? status : diag->is_damaged ? EXIT_DAMAGED : EXIT_OK;
}

int conv_diag(const char *path, const char *path_out, bool shows_all, const struct msg *msg)
{
	struct diag diag = {.msg = msg, .shows_all = shows_all};
	char *name = NULL;
	int fd, status = input_open_raw(path, msg, &name, &fd);

	if (status)
		return status;
	diag.name = name;
	status = show(&diag, fd, path_out);
	close(fd);
	free(name);
	return status;
}
