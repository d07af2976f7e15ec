# Completion of cq for bash. Made by c/tools/generate. Do not edit.
_cq_queues() { cq ${directory:+--directory "$directory"} ls --json 2>/dev/null | sed -n 's/^ *"name": "\(.*\)",*$/\1/p'; }

_cq() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= directory= i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; ++i)); do
        case ${COMP_WORDS[i]} in
        --directory) directory=${COMP_WORDS[++i]} ;;
        -*) ;;
        *) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    case $before in
    --directory) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    --dead-letter) mapfile -t COMPREPLY < <(compgen -W "$(_cq_queues)" -- "$word"); return ;;
    --output | -o | --plot | --textfile | --file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    esac
    local options= words= values=
    case $command in
    "") options="-h --help --directory --trust --version" words="create put get peek work ls stat top plot check export doctor move copy purge trim sync resize rename backup restore rm version help" values="--directory" ;;
    create) options="-h --help --directory --permissions --trust --group --capacity --max-message --max-held --max-memory --reserve --durable --durable-directory --max-headers --max-deliveries --dead-letter --time-to-live --enqueue-times --exclusive-consumer --exclusive --json -q --quiet" words="" values="--directory --permissions --group --capacity --max-message --max-held --max-memory --reserve --durable-directory --max-headers --max-deliveries --dead-letter --time-to-live" ;;
    put) options="-h --help --directory --permissions --trust --file -0 --null --base64 --json -H --header --without-headers --wait --no-wait --sync --ack" words="$(_cq_queues)" values="--directory --permissions --file -H --header --wait" ;;
    get) options="-h --help --directory --permissions --trust -n --count --all --follow --wait -0 --null --base64 --raw --json --meta --headers" words="$(_cq_queues)" values="--directory --permissions -n --count --wait" ;;
    peek) options="-h --help --directory --permissions --trust -n --count --all -0 --null --base64 --raw --json --meta --headers" words="$(_cq_queues)" values="--directory --permissions -n --count" ;;
    work) options="-h --help --directory --permissions --trust -j --jobs --dead-letter --max-deliveries --timeout --retry-after -n --count --all --wait --json" words="$(_cq_queues)" values="--directory --permissions -j --jobs --dead-letter --max-deliveries --timeout --retry-after -n --count --wait" ;;
    ls) options="-h --help --directory --permissions --trust --json" words="$(_cq_queues)" values="--directory --permissions" ;;
    stat) options="-h --help --directory --permissions --trust --json --csv --plot --watch -n --count" words="$(_cq_queues)" values="--directory --permissions --plot --watch -n --count" ;;
    top) options="-h --help --directory --permissions --trust -d --interval --sort --reverse --filter -n --count -b --batch --json" words="$(_cq_queues)" values="--directory --permissions -d --interval --sort --filter -n --count" ;;
    plot) options="-h --help -o --output --json" words="" values="-o --output" ;;
    check) options="-h --help --directory --permissions --trust --max-fill --max-length --max-held --max-memory --max-age --max-stall --min-participants --json" words="$(_cq_queues)" values="--directory --permissions --max-fill --max-length --max-held --max-memory --max-age --max-stall --min-participants" ;;
    export) options="-h --help --directory --permissions --trust --listen --textfile --every --json --prometheus" words="$(_cq_queues)" values="--directory --permissions --listen --textfile --every" ;;
    doctor) options="-h --help --directory --permissions --trust --watch --json" words="$(_cq_queues)" values="--directory --permissions --watch" ;;
    move) options="-h --help --directory --permissions --trust -n --count --follow --wait --without-headers --json" words="$(_cq_queues)" values="--directory --permissions -n --count --wait" ;;
    copy) options="-h --help --directory --permissions --trust -n --count --wait --without-headers --json" words="$(_cq_queues)" values="--directory --permissions -n --count --wait" ;;
    purge) options="-h --help --directory --permissions --trust -n --count -f --force --dry-run --json" words="$(_cq_queues)" values="--directory --permissions -n --count" ;;
    trim) options="-h --help --directory --permissions --trust --json" words="$(_cq_queues)" values="--directory --permissions" ;;
    sync) options="-h --help --directory --permissions --trust --json" words="$(_cq_queues)" values="--directory --permissions" ;;
    resize) options="-h --help --directory --permissions --trust --capacity --max-message --max-held --max-memory --reserve -f --force --json" words="$(_cq_queues)" values="--directory --permissions --capacity --max-message --max-held --max-memory --reserve" ;;
    rename) options="-h --help --directory --permissions --trust -f --force --json" words="$(_cq_queues)" values="--directory --permissions" ;;
    backup) options="-h --help --directory --permissions --trust --json" words="$(_cq_queues)" values="--directory --permissions" ;;
    restore) options="-h --help --directory --permissions --trust --capacity --max-message --max-held --durable --durable-directory --not-durable --json" words="$(_cq_queues)" values="--directory --permissions --capacity --max-message --max-held --durable-directory" ;;
    rm) options="-h --help --directory --permissions --trust -f --force --durable --json" words="$(_cq_queues)" values="--directory --permissions" ;;
    version) options="-h --help --json" words="" values="" ;;
    help) options="-h --help --json" words="create put get peek work ls stat top plot check export doctor move copy purge trim sync resize rename backup restore rm version help" values="" ;;
    esac
    if [[ " $values " == *" $before "* ]]; then
        return
    fi
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        case $command in plot | backup | restore) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word") ;; esac
    fi
}
complete -F _cq cq
