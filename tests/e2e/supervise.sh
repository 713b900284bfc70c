#!/bin/sh
# Runs what the tests start, and ends all of it when standard input closes: the one thing that happens however the
# tests end, even when they are killed. Then FOLDER goes away.
#
#   supervise.sh FOLDER, and on standard input, a line each, answered by a line:
#     start NAME    runs FOLDER/NAME.sh, which must exec; its output is added to FOLDER/NAME.out and FOLDER/NAME.err
#     kill NAME     ends it at once and waits for that
#     stop NAME     asks it to end
#     wait NAME     waits until it has ended; the answer is its exit code
folder=$1

# A signal only ends the wait for the next line; and whoever asked may be gone when the answer is written.
trap : HUP INT PIPE TERM

end() {
    kill -KILL "$1"
    wait "$1"
} 2>/dev/null

while read -r verb name; do
    case $verb in
    start)
        sh "$folder/$name.sh" </dev/null >>"$folder/$name.out" 2>>"$folder/$name.err" &
        echo $! >"$folder/$name.pid"
        ;;
    kill)
        end "$(cat "$folder/$name.pid")"
        rm "$folder/$name.pid"
        ;;
    stop)
        kill -TERM "$(cat "$folder/$name.pid")"
        ;;
    wait)
        wait "$(cat "$folder/$name.pid")"
        echo $?
        rm "$folder/$name.pid"
        continue
        ;;
    esac
    echo done
done

for file in "$folder"/*.pid; do
    [ ! -e "$file" ] || end "$(cat "$file")"
done
rm -rf "$folder"
