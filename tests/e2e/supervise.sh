#!/bin/sh
# Runs the programs of the tests, and stops all of them when standard input closes, which happens even if the tests
# are killed. Then it removes FOLDER.
#
#   supervise.sh FOLDER, and on standard input, a line each, answered by a line:
#     start NAME    runs FOLDER/NAME.sh, which must exec; its output is added to FOLDER/NAME.out and FOLDER/NAME.err
#     kill NAME     ends it at once and waits for that
#     stop NAME     asks it to end
#     wait NAME     waits until it has ended; the answer is its exit code
folder=$1

# A signal only ends the wait for the next line. The reader of the answer may have exited already.
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
