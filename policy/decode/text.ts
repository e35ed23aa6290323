import { clip } from '../../common/bytes.ts';

// Text of an effect is read by people in terminals: characters without a glyph (control, direction, unassigned) are escaped.
const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** Quoted text of at most `limit` UTF-16 units, one visible line whatever it holds; it says when it was cut. */
export const shown = (text: string, limit = 1_024): string => {
  const start = text.length > limit ? `${clip(text, limit)}...` : text;
  return JSON.stringify(start).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped);
};
