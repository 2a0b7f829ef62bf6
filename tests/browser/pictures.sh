#!/bin/bash
# Every picture looks in Chromium as our own PNG of it does, in both themes, wide and narrow; its
# names are found there as text, and the browser has nothing to complain about.
. "$ROOT/tests/lib/trender.sh"

skip() { echo "SKIP: $*"; exit 77; }
chromium=$(command -v chromium) || skip "no chromium here"
command -v node >/dev/null && command -v npm >/dev/null || skip "no node and npm here"
npm=$ROOT/build/npm-playwright # of no build variant
if [ ! -e "$npm/node_modules/playwright-core" ]; then
    mkdir -p "$npm"
    npm install --prefix "$npm" --no-audit --no-fund --loglevel=error playwright-core >npm.log 2>&1 ||
        skip "npm cannot install playwright-core: $(tail -n 1 npm.log)"
fi

trace make
trace threads
"$BUILD/targets/python_trace" python.cbor.zst
"$BUILD/targets/spans_trace" server server.cbor.zst
"$BUILD/targets/heat_trace" heat.cbor.zst
for side in before after; do "$BUILD/targets/diff_trace" $side $side.cbor.zst; done

# draw VIEW NAME OPTION...: with a trace that has much of it, to NAME.svg and, unless it is "auto", NAME.png.
draw() {
    local view=$1 name=$2 inputs=(make.cbor.zst)
    case $view in
    timeline) inputs=(threads.cbor.zst) ;;
    flame) inputs=(python.cbor.zst) ;;
    heat) inputs=(heat.cbor.zst) ;;
    spans) inputs=(server.cbor.zst) ;;
    diff) inputs=(before.cbor.zst --diff after.cbor.zst) ;;
    esac
    "$trender" -q --view "$view" "${@:3}" -o "$name.svg" "${inputs[@]}"
    [[ $name = *-auto ]] || "$trender" -q --view "$view" "${@:3}" -o "$name.png" "${inputs[@]}"
}

views=$("$trender" --list-views | grep -v '(text only)' | cut -d ' ' -f 1)
for view in $views; do
    for width in 1200 400; do
        for theme in light dark; do draw "$view" $view-$width-$theme --width $width --theme $theme; done
    done
    draw "$view" "$view-1200-auto" --theme auto
done

# What a test that can fail must see: a label 4 px off, a box that is missing, a name that is another.
sed '0,/ x="[0-9.]*"\( y="[0-9.]*">fib \)/s// x="297"\1/' flame-1200-light.svg >shifted.svg
sed '0,/<rect class="h [^>]*>/s///' flame-1200-light.svg >missing.svg
sed 's/>fib />fab /' flame-1200-light.svg >renamed.svg

$python3 - $views >jobs.json <<'PYTHON'
import json, re, sys
names = {"flame": ["fib", "deflate"], "procs": ["make -j4 all", "4102", "exit status 2"],
         "report": ["make -j4 all", "All stacks on CPU", "Busiest functions", "recorded 20"], "timeline": ["worker_start", "4141"],
         "usage": ["threads", "system"], "spans": ["Db.query", "request"], "heat": ["CPU time, columns of 1 s"],
         "diff": ["route", "samples 840"]}
def job(name, png, scheme, names):
    return {"svg": f"{name}.svg", "png": f"{png}.png", "scheme": scheme, "names": names}
# A new view needs names here.
jobs = [job(f"{view}-{width}-{theme}", f"{view}-{width}-{theme}", "light", names[view])
        for view in sys.argv[1:] for width in (1200, 400) for theme in ("light", "dark")]
jobs += [job(f"{view}-1200-auto", f"{view}-1200-dark", "dark", names[view]) for view in sys.argv[1:]]
jobs += [job("flame-1200-auto", "flame-1200-light", "light", names["flame"])]
jobs += [job(name, "flame-1200-light", "light", names["flame"]) for name in ("shifted", "missing", "renamed")]
json.dump(jobs, sys.stdout)
PYTHON
node "$ROOT/tests/browser/pictures.mjs" "$npm" "$chromium" jobs.json >seen.jsonl

$python3 - <<'PYTHON'
import json
MOST = 0.08  # of a tile: edges of letters make 0.03 to 0.07, a label that is 3 px off 0.09 and more
jobs = json.load(open("jobs.json"))
found = [json.loads(line) for line in open("seen.jsonl")]
assert len(found) == len(jobs) > 40
failed = 0
for job, seen in zip(jobs, found):
    name = job["svg"]
    wanted = {"differs": name in ("shifted.svg", "missing.svg", "renamed.svg"),
              "missing": ["fib"] if name == "renamed.svg" else [], "messages": []}
    got = {"differs": seen["difference"] > MOST, "missing": seen["missing"], "messages": seen["messages"]}
    if got != wanted:
        failed += 1
        print(f"FAILED: {name} and {job['png']}: {seen}")
raise SystemExit(failed > 0)
PYTHON
