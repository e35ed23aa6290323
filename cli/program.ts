import { Command } from 'commander';
import { UserError } from '../common/errors.ts';
import { version } from '../common/version.ts';
import { addAddress } from './commands/address.ts';
import { addAuditExport } from './commands/audit-export.ts';
import { addAuditPrune } from './commands/audit-prune.ts';
import { addAuditShow } from './commands/audit-show.ts';
import { addAuditVerify } from './commands/audit-verify.ts';
import { addCheck } from './commands/check.ts';
import { addDemo } from './commands/demo.ts';
import { examples } from './examples.ts';
import { exitCodes } from './exit-codes.ts';
import { addGet } from './commands/get.ts';
import { addInspect } from './commands/inspect.ts';
import { addPolicyTest } from './commands/policy-test.ts';
import { addSealNew } from './commands/seal-new.ts';
import type { Session } from './session.ts';
import { addSign } from './commands/sign.ts';
import { addSigner } from './commands/signer.ts';
import { addStatus } from './commands/status.ts';
import { addUp } from './commands/up.ts';

/** The command with all its verbs. Parsing throws CommanderError where the words make no sense. */
export function createProgram(session: Session): Command {
  const program = new Command('holdfast')
    .description(
      'Wallets whose private key exists nowhere: threshold signing under policies that every signer enforces.',
    )
    .usage('<command> [options]')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ helpWidth: 100, subcommandTerm: (command) => command.name() })
    // Errors are told by main, all in one form.
    .configureOutput({ writeOut: (text) => session.print(text.trimEnd()), outputError: () => {} });

  addDemo(program, session);
  addUp(program, session);
  addGet(program, session);
  addStatus(program, session);
  addCheck(program, session);
  addSign(program, session);
  addInspect(program, session);
  addAddress(program, session);
  addPolicyTest(group(program, 'policy', 'what a policy says'), session);
  const audit = group(program, 'audit', "what signers' audit logs say");
  addAuditShow(audit, session);
  addAuditVerify(audit, session);
  addAuditExport(audit, session);
  addAuditPrune(audit, session);
  addSealNew(group(program, 'seal', 'keys that seal shares at rest'), session);
  addSigner(program, session);
  addLater(program);

  program.addHelpText(
    'after',
    [
      examples('holdfast demo', 'holdfast up wallets', 'holdfast sign --help'),
      'Environment:',
      '  HOLDFAST_DIR names the folder of manifests where --dir does not.',
      '  HOLDFAST_STATE says where its state lies when that is not .holdfast in the folder.',
      '  HOLDFAST_KNOWN_WALLETS names the file of pinned wallets, ~/.config/holdfast/known_wallets when absent.',
      '  HOLDFAST_DEBUG shows where in the code an error comes from.',
      '',
      'Results are on stdout; progress, messages and errors on stderr.',
      '',
      'Exit codes:',
      `  ${exitCodes.ok}  done; signed; allowed`,
      `  ${exitCodes.error}  something is wrong; the error says what`,
      `  ${exitCodes.usage}  the command line makes no sense`,
      `  ${exitCodes.denied}  denied: asking again changes nothing`,
      `  ${exitCodes.needsMore}  not yet: more is needed, or signers are away; asking again may succeed`,
      `  ${exitCodes.found}  check found a warning or an error`,
      '',
    ].join('\n'),
  );
  return program;
}

const group = (program: Command, name: string, summary: string): Command =>
  program
    .command(name)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .helpCommand(false);

/** Verbs of later versions say so, rather than that nobody knows them. */
function addLater(program: Command): void {
  const groupNamed = (name: string): Command => program.commands.find((command) => command.name() === name) ?? program;
  const later = [
    { group: program, verbs: ['approve', 'reject', 'upgrade'] },
    { group: groupNamed('policy'), verbs: ['lint', 'diff'] },
  ];
  for (const { group: parent, verbs } of later)
    for (const verb of verbs)
      parent
        .command(verb, { hidden: true })
        .allowUnknownOption()
        .allowExcessArguments()
        .action(() => {
          const name = parent === program ? verb : `${parent.name()} ${verb}`;
          throw new UserError(`"${name}" is not in this version`, ['holdfast --help lists what is'], exitCodes.usage);
        });
}
