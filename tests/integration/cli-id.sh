# winrmc id prints who answers.
. "$(dirname "$0")/cli-lib.sh"
start_service
winrmc id --password-file "$work/password" "$host" >"$work/out" 2>"$work/err"
expect 'exit code' '0' "$?"
expect_text 'vendor' 'vendor:            ' "$work/out"
expect_text 'protocol' 'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd' "$work/out"
winrmc id --password-file "$work/password" "http://$host/wsman" >"$work/url"
expect 'the same by URL' "$(cat "$work/out")" "$(cat "$work/url")"
winrmc --local id >"$work/local"
expect 'the same of a private service' "$(cat "$work/out")" "$(cat "$work/local")"
