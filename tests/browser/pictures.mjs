// Draws SVGs in a headless Chromium and compares each with a PNG of the same scene:
//     node pictures.mjs NPM_FOLDER CHROMIUM JOBS
// JOBS is a JSON list of {svg, png, scheme, names}; for each job one line of JSON:
// {difference, x, y, messages, missing}. `difference` is that of the worst tile, 0 to 1.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [npm, executablePath, jobsPath] = process.argv.slice(2);
const { chromium } = createRequire(join(resolve(npm), "x.js"))("playwright-core");
const jobs = JSON.parse(await readFile(jobsPath, "utf8"));

// Runs in the page: the largest difference of the mean colours of a tile. Renderers disagree about
// the edges of letters, which a tile evens out; a box or a word that is elsewhere it does not.
async function compare([left, right]) {
    const TILE = 12;
    async function pixels(base64) {
        const image = new Image();
        image.src = `data:image/png;base64,${base64}`;
        await image.decode();
        const { width, height } = image;
        const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
        context.drawImage(image, 0, 0);
        return { width, height, data: context.getImageData(0, 0, width, height).data };
    }
    const a = await pixels(left), b = await pixels(right);
    if (a.width !== b.width || a.height !== b.height)
        return { difference: 1, x: 0, y: 0, size: `${a.width}x${a.height}, ${b.width}x${b.height}` };
    const columns = Math.ceil(a.width / TILE), rows = Math.ceil(a.height / TILE);
    const sums = new Float64Array(columns * rows * 3);
    for (let y = 0, at = 0; y < a.height; y++) {
        const row = Math.floor(y / TILE) * columns;
        for (let x = 0; x < a.width; x++, at += 4) {
            const tile = 3 * (row + Math.floor(x / TILE));
            for (let c = 0; c < 3; c++) sums[tile + c] += a.data[at + c] - b.data[at + c];
        }
    }
    let worst = 0;
    sums.forEach((sum, i) => { if (Math.abs(sum) > Math.abs(sums[worst])) worst = i; });
    const tile = Math.floor(worst / 3);
    return {
        difference: Math.abs(sums[worst]) / (TILE * TILE * 255),
        x: (tile % columns) * TILE,
        y: Math.floor(tile / columns) * TILE,
    };
}

// As find-in-page does, not by what is in titles.
function notFound(names) {
    return names.filter((name) => {
        getSelection().removeAllRanges();
        return !window.find(name, true, false, true);
    });
}

async function look(browser, judge, job) {
    const png = await readFile(job.png);
    const [width, height] = [png.readUInt32BE(16) / 2, png.readUInt32BE(20) / 2];
    const page = await browser.newPage({
        viewport: { width, height }, deviceScaleFactor: 2, colorScheme: job.scheme,
    });
    const messages = [];
    page.on("console", (message) => messages.push(message.text()));
    page.on("pageerror", (error) => messages.push(String(error)));
    await page.goto(`file://${resolve(job.svg)}`);
    const seen = await page.screenshot({ path: job.seen });
    const found = await judge.evaluate(compare, [seen.toString("base64"), png.toString("base64")]);
    const missing = await page.evaluate(notFound, job.names);
    await page.close();
    return { ...found, messages, missing };
}

const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"],
});
const judge = await browser.newPage();
for (const job of jobs) console.log(JSON.stringify(await look(browser, judge, job)));
await browser.close();
