/** Text fit for a terminal, whoever wrote it: no control characters, no lines of its own. */
export const oneLine = (text: string): string => text.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim();
