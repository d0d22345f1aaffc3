// The completion scripts. Each one asks the program what can stand at the cursor, so that it knows projects, backups and
// steps, and stays valid across updates. It calls the program by the typed name or path, and evaluates no typed text.
//
// The program gets the hidden word and the typed words, the last of which ends at the cursor. It prints what the shell
// completes (":words", ":files" or ":directories"), and then a line for each possible word: the word, a tab, and its
// description. An older program prints nothing that begins so.

/** The first word of a command line that asks for completions. */
export const completionWord = "__complete";

/** Needs bash 4.4. Bash cannot show descriptions. */
const bash = `# edox-ops completions bash

_edox_ops() {
  local rest=\${COMP_LINE:0:COMP_POINT} last="" i line value current prefix
  local -a words=() lines=()
  COMPREPLY=()
  # Readline also splits at = and :. Text without a blank in between is one word.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    last=\${COMP_WORDS[i]}
    if [[ i -gt 0 && $rest != [[:space:]]* ]]; then
      ((i == COMP_CWORD)) && last=$rest
      words[-1]+=$last
    else
      rest=\${rest#"\${rest%%[![:space:]]*}"}
      ((i == COMP_CWORD)) && last=$rest
      words+=("$last")
    fi
    rest=\${rest#"$last"}
  done
  # Readline replaces only the text after the last = or :.
  [[ $last == *[!=:]* ]] || last=""
  prefix=\${words[-1]%"$last"}
  prefix=\${prefix//[\\"\\'\\\\]/}
  words=("\${words[@]//[\\"\\'\\\\]/}")
  current=\${words[-1]}
  [[ \${words[0]} == "~/"* ]] && words[0]=\${HOME-}/\${words[0]:2}
  mapfile -t lines < <(command "\${words[0]}" ${completionWord} "\${words[@]:1}" 2>/dev/null </dev/null)
  for line in "\${lines[@]:1}"; do
    [[ \${lines[0]} == :* && $line == "$current"* ]] || continue
    value=\${line%%$'\\t'*}
    value=\${value#"$prefix"}
    if [[ $last == [\\"\\']* ]]; then
      [[ $value == *[\\"\\'\\\\\\$\\\`!]* ]] && continue
    elif [[ $value == *[!A-Za-z0-9_./:=,@%+-]* ]]; then
      printf -v value %q "$value"
    fi
    COMPREPLY+=("$value")
  done
  # Readline quotes the paths that it completes itself.
  case \${lines[0]-} in
    :words) compopt -o nosort ;;
    :files) compopt -o nosort -o default ;;
    :directories) compopt -o nosort -o dirnames ;;
  esac 2>/dev/null
  return 0
}
complete -F _edox_ops edox-ops
`;

/** To be sourced after compinit, or stored in $fpath as _edox-ops. */
const zsh = `#compdef edox-ops
# edox-ops completions zsh

_edox-ops() {
  local program=\${(Q)words[1]} line text ret=1
  local -a lines values typed
  program=\${program/#\\~\\//$HOME/}
  (( CURRENT > 2 )) && typed=("\${(@Q)words[2,CURRENT-1]}")
  lines=("\${(@f)$(command $program ${completionWord} "\${typed[@]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)}")
  [[ \${lines[1]} == :* ]] || return 1
  for line in "\${(@)lines[2,-1]}"; do
    text=\${line#*$'\\t'}
    values+=("\${\${line%%$'\\t'*}//(#m)[\\\\:]/\\\\$MATCH}\${text:+:\${text//\\\\/\\\\\\\\}}")
  done
  (( $#values )) && _describe -V value values && ret=0
  [[ \${lines[1]} == :words ]] && return ret
  [[ $PREFIX == -*=* ]] && compset -P 1 '*='
  case \${lines[1]} in
    :files) _files && ret=0 ;;
    :directories) _files -/ && ret=0 ;;
  esac
  return ret
}

if [[ \${funcstack[1]} == _edox-ops ]]; then
  _edox-ops "$@"
elif (( \${+functions[compdef]} )); then
  compdef _edox-ops edox-ops
fi
`;

/** Needs fish 3. */
const fish = `# edox-ops completions fish

function __edox_ops_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    command -q $program; or return
    set -l typed (string replace -ra '[\\'"\\\\\\\\]' '' -- "$token")
    set -l lines (command $program ${completionWord} $words[2..-1] "$typed" 2>/dev/null </dev/null)
    string match -q ':*' -- "$lines[1]"; or return
    printf '%s\\n' $lines[2..-1]
    set -l prefix (string match -r '^-[^=]*=' -- "$token")
    set -l paths (string replace -r '^-[^=]*=' '' -- "$token")
    switch $lines[1]
        case :files
            printf '%s\\n' "$prefix"(complete -C "'' $paths")
        case :directories
            printf '%s\\n' "$prefix"(complete -C "'' $paths" | string match -r '.*/$')
    end
end

complete -c edox-ops -f -k -a '(__edox_ops_complete)'
`;

/** The script of each shell. */
export const completionScripts = { bash, zsh, fish } as const;
