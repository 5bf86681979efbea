/** `runlane completion`: what a shell needs to complete commands and their options. */
import { type Command, command, UsageError } from './command.js';

const help = `Usage: runlane completion bash|zsh|fish

Prints a script for the shell. To have it in every new one:

  bash   runlane completion bash > ~/.local/share/bash-completion/completions/runlane
  zsh    runlane completion zsh > "\${fpath[1]}/_runlane"
  fish   runlane completion fish > ~/.config/fish/completions/runlane.fish
`;

type Commands = ReadonlyMap<string, Command>;

/** @param commands asked for when it is called, as it is one of them itself. */
export function createCompletion(commands: () => Commands): Command {
  return command({
    summary: 'complete commands and options in a shell',
    help,
    options: {},
    async run({ words: [shell, ...others] }) {
      const script = shell === undefined || others.length > 0 ? undefined : SCRIPTS[shell];
      if (!script) throw new UsageError(`for which shell? There are: ${Object.keys(SCRIPTS).join(', ')}`);
      process.stdout.write(script(commands()));
      return 0;
    },
  });
}

const SCRIPTS: Record<string, (commands: Commands) => string> = { bash, zsh, fish };

const optionsOf = ({ options }: Command) => ['--help', ...Object.keys(options).map((name) => `--${name}`)];

function bash(commands: Commands): string {
  const cases = [...commands].map(([name, told]) => `    ${name}) words='${optionsOf(told).join(' ')}' ;;`);
  return `# Completion of runlane for bash.
_runlane() {
  local words current=\${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W '${[...commands.keys()].join(' ')}' -- "$current")
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) return ;;
  esac
  case "$current" in
    -*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
    *) compopt -o default ;;
  esac
}
complete -F _runlane runlane
`;
}

function zsh(commands: Commands): string {
  const described = [...commands].map(([name, { summary }]) => `    '${name}:${summary}'`);
  const cases = [...commands].map(([name, told]) => `    ${name}) _values option ${optionsOf(told).join(' ')} ;;`);
  return `#compdef runlane
# Completion of runlane for zsh.
local -a commands=(
${described.join('\n')}
)
if (( CURRENT == 2 )); then
  _describe command commands
elif [[ $words[CURRENT] == -* ]]; then
  case $words[2] in
${cases.join('\n')}
  esac
else
  _files
fi
`;
}

function fish(commands: Commands): string {
  const lines = [...commands].flatMap(([name, { summary, options }]) => [
    `complete -c runlane -n __fish_use_subcommand -a ${name} -d '${summary}'`,
    ...Object.entries(options).map(([option, { type, short }]) => {
      const letter = short === undefined ? '' : ` -s ${short}`;
      return `complete -c runlane -n '__fish_seen_subcommand_from ${name}' -l ${option}${letter}${type === 'string' ? ' -r' : ''}`;
    }),
  ]);
  return `# Completion of runlane for fish.\n${lines.join('\n')}\n`;
}
