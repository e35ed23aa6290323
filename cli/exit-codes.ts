/** What scripts go by; `holdfast --help` lists them. */
export const exitCodes = {
  ok: 0,
  error: 1,
  usage: 2,
  /** Policy or identity said no: asking again changes nothing. */
  denied: 3,
  /** Not yet: approvals are missing, signers are away, a limit is taken for now. */
  needsMore: 4,
  /** `holdfast check` found a warning or an error. */
  found: 5,
  /** As a shell reports SIGINT. */
  interrupted: 130,
} as const;
