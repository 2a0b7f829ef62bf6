#include "elf/cfi_entry.h"

#include <dwarf.h>

uint64_t cfi_read_pointer(
	struct cursor *cursor, uint8_t encoding, uint64_t field_vaddr, uint64_t data_base)
{
	uint64_t base = 0, value = 0;

	switch (encoding & 0xf0) {
	case DW_EH_PE_absptr:
		break;
	case DW_EH_PE_pcrel:
		base = field_vaddr;
		break;
	case DW_EH_PE_datarel:
		base = data_base;
		break;
	default:
		cursor->bad = true;
	}
	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		value = cursor_unsigned(cursor, 8);
		break;
	case DW_EH_PE_uleb128:
		value = cursor_uleb128(cursor);
		break;
	case DW_EH_PE_udata2:
		value = cursor_unsigned(cursor, 2);
		break;
	case DW_EH_PE_udata4:
		value = cursor_unsigned(cursor, 4);
		break;
	case DW_EH_PE_sleb128:
		value = (uint64_t)cursor_sleb128(cursor);
		break;
	case DW_EH_PE_sdata2:
		value = (uint64_t)cursor_signed(cursor, 2);
		break;
	case DW_EH_PE_sdata4:
		value = (uint64_t)cursor_signed(cursor, 4);
		break;
	default:
		cursor->bad = true;
	}
	return base + value;
}

uint64_t cfi_read_header(const uint8_t *bytes, size_t size, uint64_t vaddr, uint64_t *ret_offset)
{
	if (size < 12 || bytes[0] != 1)
		return 0;
	struct cursor cursor = {bytes + 4, bytes + size, false};

	cfi_read_pointer(&cursor, bytes[1], vaddr + 4, vaddr);
	uint64_t count = cfi_read_pointer(&cursor, bytes[2], 0, vaddr);

	/* Other forms of the table are legal, but no linker writes them. */
	if (cursor.bad || bytes[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return 0;
	*ret_offset = (uint64_t)(cursor.at - bytes);
	return count;
}

/* The augmentation of a CIE: which letters it has, and their data. */
static bool read_augmentation(
	struct cursor *entry, const char *letters, struct cfi_function *function)
{
	function->pointer_encoding = DW_EH_PE_absptr;
	function->is_signal = false;
	function->has_augmentation_size = letters[0] == 'z';
	if (letters[0] == '\0')
		return true;
	if (letters[0] != 'z')
		return false;

	uint64_t size = cursor_uleb128(entry);
	const uint8_t *data = cursor_bytes(entry, size);

	if (!data)
		return false;
	struct cursor values = {data, data + size, false};

	for (const char *letter = letters + 1; *letter; letter++) {
		switch (*letter) {
		case 'L':
			cursor_unsigned(&values, 1);
			break;
		case 'P':
			cfi_read_pointer(
				&values, (uint8_t)cursor_unsigned(&values, 1) & 0x0f, 0, 0);
			break;
		case 'R':
			function->pointer_encoding = (uint8_t)cursor_unsigned(&values, 1);
			break;
		case 'S':
			function->is_signal = true;
			break;
		default: /* the rest cannot be understood, but its size is known */
			return !values.bad;
		}
	}
	return !values.bad;
}

bool cfi_read_cie(struct cursor *entry, bool is_eh, struct cfi_function *function)
{
	uint64_t id = cursor_unsigned(entry, 4);
	uint64_t version = cursor_unsigned(entry, 1);

	if (id != (is_eh ? 0 : 0xffffffff) || version == 0 || version > 4 || version == 2)
		return false;
	const uint8_t *end = memchr(entry->at, 0, cursor_left(entry));

	if (!end)
		return false;
	const char *letters = (const char *)entry->at;

	cursor_bytes(entry, (uint64_t)(end + 1 - entry->at));
	if (version == 4 && (cursor_unsigned(entry, 1) != 8 || cursor_unsigned(entry, 1) != 0))
		return false; /* addresses of another size, or segments */
	function->code_align = cursor_uleb128(entry);
	function->data_align = cursor_sleb128(entry);
	function->return_register =
		version == 1 ? cursor_unsigned(entry, 1) : cursor_uleb128(entry);
	if (!read_augmentation(entry, letters, function) || entry->bad)
		return false;
	function->cie_code = entry->at;
	function->cie_code_end = entry->end;
	return true;
}

bool cfi_read_fde(struct cursor *entry, uint64_t field_vaddr, struct cfi_function *function)
{
	uint8_t encoding = function->pointer_encoding;

	function->start = cfi_read_pointer(entry, encoding, field_vaddr, 0);
	function->end = function->start + cfi_read_pointer(entry, encoding & 0x0f, 0, 0);
	if (function->has_augmentation_size)
		cursor_bytes(entry, cursor_uleb128(entry));
	function->fde_code = entry->at;
	function->fde_code_end = entry->end;
	return !entry->bad;
}
