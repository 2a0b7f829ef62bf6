/* The inside of a writer: rows that wait, and how they become chunks. */
#ifndef TFMT_WRITER_CHUNKS_H
#define TFMT_WRITER_CHUNKS_H

#include "arena.h"
#include "columns.h"
#include "frame_zstd.h"
#include "index.h"
#include "intern.h"

#include "tracefmt/writer.h"

#define TFMT_MAX_FIELD_CHECKS 8

/* The rows of one kind. Tables keep all rows, data kinds those of the open chunk. */
struct tfmt_rows {
	uint8_t *data;
	size_t count;
	size_t capacity;
	size_t per_chunk;   /* rows that close a chunk */
	size_t handed;	    /* rows of a table that are in the file */
	size_t text_bytes;  /* of strings not handed over yet */
	uint64_t oldest_ns; /* of the open chunk */
	uint64_t total;	    /* rows ever added */
	uint64_t bytes;	    /* handed to the sink */
	uint64_t repeated_bytes;
};

/* A field that holds an id, or a value of an enum. */
struct tfmt_field_check {
	uint16_t offset;
	uint8_t size;  /* bytes */
	uint8_t kind;  /* enum tfmt_kind it refers to, or TFMT_NONE */
	uint8_t limit; /* of an enum: values are below it */
};

/* What is checked of every record of a kind. */
struct tfmt_field_checks {
	struct tfmt_field_check items[TFMT_MAX_FIELD_CHECKS];
	size_t count;
};

struct tfmt_writer {
	struct tfmt_sink sink;
	struct tfmt_writer_options options;
	struct tfmt_arena arena; /* texts of strings and of the header */
	struct tfmt_header header;
	struct tfmt_rows rows[TFMT_KIND_COUNT];
	struct tfmt_field_checks checks[TFMT_KIND_COUNT];
	struct tfmt_intern index[TFMT_STACK + 1];
	uint32_t *depths; /* of stacks, by id - 1 */
	size_t depth_capacity;
	struct tfmt_columns columns;
	struct tfmt_packer *packer;
	struct tfmt_bytes unpacked;
	struct tfmt_bytes packed;
	struct tfmt_chunk chunk; /* of the envelope being written */
	struct tfmt_index chunk_index;
	uint64_t sequence;
	uint64_t bytes;		/* handed to the sink */
	uint64_t checkpoint_at; /* value of `bytes` at the last checkpoint */
	uint64_t now_ns;	/* the latest time seen */
	enum tfmt_err failed;	/* the sink's error, for all later calls */
};

/* Work out what depends on the options and the schema only. */
void tfmt_writer__plan(struct tfmt_writer *writer);

/* Write the header. `continues` begins a checkpoint. Returns as the sink; TFMT_E_NOMEM. */
int tfmt_writer__put_header(struct tfmt_writer *writer, bool continues);

/* Write the end record. */
int tfmt_writer__put_end(struct tfmt_writer *writer);

/* Write the index and the seek table, where that was asked for and can be. */
int tfmt_writer__put_index(struct tfmt_writer *writer);

/*
 * Hand over the open chunk of `kind` after all that its rows may refer to: the tables up to it,
 * and spans before their arguments. May add a checkpoint.
 */
int tfmt_writer__hand_over(struct tfmt_writer *writer, enum tfmt_kind kind);

/* The same for every kind. */
int tfmt_writer__hand_over_all(struct tfmt_writer *writer);

/* Rows of a kind that are not handed over yet. */
static inline size_t tfmt_writer__open_count(const struct tfmt_rows *rows)
{
	return rows->count - rows->handed;
}

#endif
