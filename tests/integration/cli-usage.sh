# Wrong usage is 64 with a word on standard error; help and version go to standard output.
. "$(dirname "$0")/cli-lib.sh"
for words in '' 'frobnicate' '--nonsense' 'run' 'run host' 'run host --' 'id' 'id host word' \
    '--local run' '--local id host' 'id --exec host' 'run -z host -- x' 'run --timeout x host -- x' 'attach host' 'ps host word' \
    'detach host 1234/5678' '--local ps' '--local run --detach -- x' 'kill --detach host 1234'; do
    winrmc $words >"$work/out" 2>"$work/err" </dev/null
    expect "winrmc $words" '64' "$?"
    expect_text 'a message' 'winrmc: ' "$work/err"
    expect 'nothing on standard output' '' "$(cat "$work/out")"
done
for words in 'help' '--help' '-h' 'run --help' 'id -h' 'attach -h'; do
    winrmc $words >"$work/out" 2>"$work/err"
    expect "winrmc $words" '0' "$?"
    expect_text 'a summary' 'usage: winrmc' "$work/out"
done
winrmc --version >"$work/out"
expect_text 'version' 'winrmc ' "$work/out"
