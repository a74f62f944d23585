# A login that fails is exit code 77 and a message that names the host, never the password.
. "$(dirname "$0")/cli-lib.sh"
start_service
echo 'wrong-secret' >"$work/wrong"
winrmc run -n --password-file "$work/wrong" "$host" -- true 2>"$work/err"
expect 'wrong password' '77' "$?"
expect_text 'the host is named' "winrmc: $address: " "$work/err"
expect 'the password is not' '' "$(grep wrong-secret "$work/err")"
winrmc run -n --password-file "$work/password" "bob@$address" -- true 2>"$work/err"
expect 'unknown user' '77' "$?"
winrmc id --password-file "$work/wrong" "$host" 2>"$work/err"
expect 'id with a wrong password' '77' "$?"
setsid winrmc run -n "$host" -- true </dev/null 2>"$work/err"
expect 'no password and no terminal' '77' "$?"
expect_text 'says what to use' '--password-file' "$work/err"
winrmc run -n --password-file "$work/none" "$host" -- true 2>"$work/err"
expect 'a password file that does not exist' '64' "$?"
WINRMC_PASSWORD=wonderland winrmc run -n "$host" -- true
expect 'password from the environment' '0' "$?"
winrmc run -n --password-file - "$host" -- true <"$work/password"
expect 'password from standard input' '0' "$?"
winrmc run -n -u alice --password-file "$work/password" "bob@$address" -- true
expect '--user wins over HOST' '0' "$?"
