/*
 * What each kind of chunk holds, column by column: the one table that the encoder, the decoder,
 * the checks of ids and the schema in every file's header are driven by.
 */
#ifndef TFMT_SCHEMA_H
#define TFMT_SCHEMA_H

#include "tracefmt/record.h"

/* How the values of a column are stored. Arithmetic is modulo 2^64. */
enum tfmt_transform {
	TFMT_PLAIN,    /* as they are */
	TFMT_DELTA,    /* minus the value of the row before; the first row's minus the base */
	TFMT_DELTA_BY, /* minus the value of the last row with an equal key */
	TFMT_BACK,     /* own id minus the value; 0 stays 0 */
};

struct tfmt_column {
	const char *name;
	const char *unit;    /* NULL for ids, enums, bare numbers */
	const char *by;	     /* the key column of TFMT_DELTA_BY */
	uint16_t offset;     /* of the field in the row */
	uint16_t key_offset; /* of the key's field, a uint32_t */
	uint8_t size;	     /* of the field, bytes: 1, 2, 4, 8 */
	uint8_t is_signed;
	uint8_t is_time;   /* stored in ticks, relative to the chunk's begin */
	uint8_t transform; /* enum tfmt_transform */
	uint8_t refers_to; /* enum tfmt_kind whose ids these are, or TFMT_NONE */
	uint8_t limit;	   /* values are below it; 0: any. For enums and booleans */
};

struct tfmt_schema {
	const char *name;
	size_t row_bytes;
	/* Sorted as RFC 8949 4.2.1 sorts keys: by length, then by bytes. */
	const struct tfmt_column *columns;
	size_t column_count;
	bool is_table;	  /* repeated by checkpoints: the tables, lives and symbols */
	bool is_numbered; /* chunks have `first_id` */
};

/* Of any kind from TFMT_STRING to TFMT_SYMBOL. Strings have no columns here. */
const struct tfmt_schema *tfmt_schema__of(enum tfmt_kind kind);

/* The name in the file: "delta", "delta2" ..., NULL for TFMT_PLAIN. */
const char *tfmt_schema__transform_name(enum tfmt_transform transform);

/* All kinds in the order of their names as keys. Returns how many. */
size_t tfmt_schema__sorted_kinds(enum tfmt_kind kinds[TFMT_KIND_COUNT]);

#endif
