// Known shares of CPU time: alpha 50, beta 30, gamma 20 %, below rounds and chain.
'use strict';

function alpha(x) {
	for (let i = 0; i < 50000; i++) { x ^= x << 13; x ^= x >>> 17; x ^= x << 5; }
	return x;
}

function beta(x) {
	for (let i = 0; i < 30000; i++) { x ^= x << 13; x ^= x >>> 17; x ^= x << 5; }
	return x;
}

function gamma(x) {
	for (let i = 0; i < 20000; i++) { x ^= x << 13; x ^= x >>> 17; x ^= x << 5; }
	return x;
}

function rounds(end) {
	let x = 7;
	while (process.cpuUsage().user < end) {
		for (let i = 0; i < 20; i++) { x += alpha(x); x += beta(x); x += gamma(x); }
	}
	return x;
}

console.log(rounds(1e6 * Number(process.argv[2])));
