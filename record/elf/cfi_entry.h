/*
 * The entries of .eh_frame and .debug_frame, and the head of .eh_frame_hdr: where functions are,
 * and where the instructions to unwind them are. Bytes that nobody vouches for; whoever has them
 * in memory may read them with this.
 */
#ifndef RECORD_ELF_CFI_ENTRY_H
#define RECORD_ELF_CFI_ENTRY_H

#include "elf/cursor.h"

/* Bytes of the longest FDE that is read, and of the longest CIE. */
#define CFI_FDE_BYTES (64u << 10)
#define CFI_CIE_BYTES 1024u

/* One FDE with its CIE, parsed up to the instructions. */
struct cfi_function {
	uint64_t start; /* virtual addresses [start, end) */
	uint64_t end;
	uint64_t code_align;
	int64_t data_align;
	uint64_t return_register;
	uint8_t pointer_encoding;
	bool has_augmentation_size;
	bool is_signal;
	const uint8_t *cie_code, *cie_code_end;
	const uint8_t *fde_code, *fde_code_end;
};

/* An element of a table for binary search: a function's start and its FDE. */
struct cfi_index_entry {
	int32_t start; /* from a base that the table's owner knows; in .eh_frame_hdr, its address */
	int32_t fde;
};

/* A DW_EH_PE-encoded pointer, at virtual address `field_vaddr`. Bad when it is an unknown kind. */
uint64_t cfi_read_pointer(
	struct cursor *cursor, uint8_t encoding, uint64_t field_vaddr, uint64_t data_base);

/*
 * Read the head of .eh_frame_hdr, which is at `vaddr`; 32 bytes hold it. Returns: the elements
 * that its table claims to have, 0 without one; the table begins at `*ret_offset` then.
 */
uint64_t cfi_read_header(const uint8_t *bytes, size_t size, uint64_t vaddr, uint64_t *ret_offset);

/* Read a CIE; `entry` begins after its length field. Returns: whether it is one, and understood. */
bool cfi_read_cie(struct cursor *entry, bool is_eh, struct cfi_function *function);

/*
 * Read an FDE whose CIE has been read into `function`; `entry` begins after the reference to that,
 * at `field_vaddr`. Returns: whether it is whole. `end` may be anything.
 */
bool cfi_read_fde(struct cursor *entry, uint64_t field_vaddr, struct cfi_function *function);

#endif
