// Opens files in speedscope in a headless Chromium and prints what it made of them:
//     node speedscope.mjs NPM_FOLDER CHROMIUM FILE...
// For each file one line of JSON: speedscope's own export (Ctrl+S), or {"error": ...}.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, extname, join, resolve } from "node:path";

const [npm, executablePath, ...files] = process.argv.slice(2);
const { chromium } = createRequire(join(resolve(npm), "x.js"))("playwright-core");
const release = join(resolve(npm), "node_modules/speedscope/dist/release");
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

// A page of file:// cannot fetch: the viewer and the files come from one server.
async function answer(request, response) {
    const path = new URL(request.url, "http://localhost").pathname;
    const match = path.match(/^\/trace\/(\d+)\//);
    try {
        const file = match ? files[match[1]] : join(release, basename(path));
        const body = await readFile(file);
        response.writeHead(200, { "Content-Type": types[extname(file)] ?? "application/octet-stream" });
        response.end(body);
    } catch {
        response.writeHead(404).end();
    }
}

async function open(page, url) {
    let problem = null;
    page.on("console", (message) => {
        if (message.type() === "error" && message.text().includes("Failed to load"))
            problem = message.text();
    });
    page.on("dialog", (dialog) => {
        problem = dialog.message();
        dialog.dismiss();
    });
    await page.goto(url);
    const loaded = () => document.body.innerText.includes("Export") && document.querySelector("canvas");
    const failed = () => document.body.innerText.includes("Something went wrong");
    const outcome = await Promise.race([
        page.waitForFunction(loaded, null, { timeout: 60000 }).then(() => "loaded"),
        page.waitForFunction(failed, null, { timeout: 60000 }).then(() => "failed"),
        page.waitForEvent("dialog", { timeout: 60000 }).then(() => "failed"),
    ]);
    if (outcome === "failed") throw new Error(problem ?? "speedscope refused the file");
}

async function exported(page) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Control+s")]);
    return JSON.parse(await readFile(await download.path(), "utf8"));
}

const server = createServer(answer);
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"],
});
for (let i = 0; i < files.length; i++) {
    const page = await browser.newPage();
    const base = `http://127.0.0.1:${server.address().port}`;
    let result;
    try {
        await open(page, `${base}/index.html#profileURL=/trace/${i}/${encodeURIComponent(basename(files[i]))}`);
        result = await exported(page);
    } catch (error) {
        result = { error: String(error) };
    }
    console.log(JSON.stringify(result));
    await page.close();
}
await browser.close();
server.close();
