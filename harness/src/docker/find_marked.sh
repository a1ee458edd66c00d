# find_marked.sh MARK SIGNAL|none [PID…]: prints the processes whose environment has MARK, those PIDs, and all of
# their descendants, and sends them SIGNAL. For any POSIX shell; of programs it needs grep alone.
mark=$1 signal=$2
shift 2
found=" $* "
for file in $(grep -lsF -- "$mark" /proc/[0-9]*/environ); do
    pid=${file#/proc/}
    found="$found${pid%/environ} "
done

# sudo clears the environment of what it starts, and hides its own: there only parentage helps.
again=yes
while [ "$again" ]; do
    again=
    for file in /proc/[0-9]*/stat; do
        # PID (name, which may hold anything) state parent …
        { read -r line <"$file"; } 2>/dev/null || continue
        pid=${line%% *}
        set -- ${line##*) }
        case "$found" in *" $pid "*) continue ;; esac
        case "$found" in *" $2 "*) found="$found$pid " again=yes ;; esac
    done
done

for pid in $found; do
    if [ "$signal" = none ] || kill -s "$signal" "$pid" 2>/dev/null; then
        echo "$pid"
    fi
done
:
