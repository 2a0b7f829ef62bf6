// A reader of unpacked traces made of docs/FORMAT.md and cbor-x only. Prints counts and sums.
//	zstd -dc trace.cbor.zst | node generic_reader.mjs /path/to/node_modules
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { Decoder, Tag } = createRequire(process.argv[2] + '/')('cbor-x');
const decoder = new Decoder({ mapsAsObjects: true, int64AsNumber: false });
const mask = (1n << 64n) - 1n;

// Typed arrays arrive as such; whatever stays a tag is decoded by hand.
function stored(column, count) {
	if (column === undefined)
		return new Array(count).fill(0n);
	if (typeof column === 'number' || typeof column === 'bigint')
		return new Array(count).fill(BigInt(column));
	if (column instanceof Tag)
		throw new Error(`tag ${column.tag} is not known to cbor-x`);
	return Array.isArray(column) ? column : Array.from(column, BigInt);
}

function values(chunk, name, schema) {
	const column = schema[name];
	const tick = BigInt(name === 'time' ? chunk.tick ?? 1 : 1);
	const keys = column.by ? values(chunk, column.by, schema) : [];
	const last = new Map();
	let before = name === 'time' ? BigInt(chunk.time[0]) / tick : 0n;

	if (column.type === 'text')
		return chunk.columns[name];
	return stored(chunk.columns[name], chunk.count).map((value, i) => {
		if (column.transform === 'back')
			return value ? BigInt(chunk.first_id) + BigInt(i) - value : 0n;
		if (column.transform !== 'delta')
			return value;
		before = value + (column.by ? last.get(keys[i]) ?? 0n : before);
		last.set(keys[i], before);
		return before * tick;
	}).map((value) => {
		const bits = Number(column.type.slice(1));
		return column.type[0] === 's' ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
	});
}

const totals = {};
let schema;
decoder.decodeMultiple(readFileSync(0), (item) => {
	const chunk = item instanceof Tag ? item.value : item;

	if (chunk.kind === 'header')
		schema = chunk.schema;
	if (!chunk.columns || chunk.repeat || !schema[chunk.kind])
		return;
	const kind = totals[chunk.kind] ??= { rows: 0n };
	kind.rows += BigInt(chunk.count);
	for (const name of Object.keys(schema[chunk.kind])) {
		let column = values(chunk, name, schema[chunk.kind]);
		if (column.length !== chunk.count)
			throw new Error(`${chunk.kind}.${name} has ${column.length} of ${chunk.count}`);
		if (schema[chunk.kind][name].type === 'text')
			column = column.map((text) => BigInt(Buffer.from(text).length));
		kind[name] = ((kind[name] ?? 0n) + column.reduce((a, b) => a + b, 0n)) & mask;
	}
});
for (const kind of Object.keys(totals).sort())
	for (const name of Object.keys(totals[kind]).sort())
		console.log(kind, name, String(totals[kind][name]));
