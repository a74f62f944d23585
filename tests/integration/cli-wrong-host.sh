# A host that cannot be reached is 69 with the host in the message; a HOST that cannot be
# meant is 64 before anybody is asked for a password.
. "$(dirname "$0")/cli-lib.sh"
echo x >"$work/password"
run -n alice@127.0.0.1:1 -- true 2>"$work/err"
expect 'nobody listens' '69' "$?"
expect_text 'the host is named' 'winrmc: 127.0.0.1:1: ' "$work/err"
run -n 'alice@[::1]:1' -- true 2>"$work/err"
expect 'nobody listens on IPv6' '69' "$?"
run -n --unencrypted alice@nosuch.invalid -- true 2>"$work/err"
expect 'a name that does not exist' '69' "$?"
expect_text 'the name is named' 'nosuch.invalid' "$work/err"
winrmc id --password-file "$work/password" alice@127.0.0.1:1 2>"$work/err"
expect 'id' '69' "$?"
setsid winrmc run -n alice@192.0.2.1 -- true </dev/null 2>"$work/err"
expect 'plain HTTP to a host that is not loopback' '64' "$?"
expect_text 'says what to do' '--unencrypted' "$work/err"
for wrong in '' ':1' 'host:0' '::1' 'http://u:p@host' 'ftp://host'; do
    run -n --unencrypted "$wrong" -- true 2>"$work/err"
    expect "HOST \"$wrong\"" '64' "$?"
done
