import type { Metadata } from '../../api/resource.ts';

/** The recommended label (app.kubernetes.io) by which the operator knows what it made. */
const managedBy = 'app.kubernetes.io/managed-by';
const operator = 'holdfast';

/**
 * Whether the operator made an object: its label says so, and nothing else. A folder knows by the file that an object is
 * from; here `managedFields` would tell as well, but backups drop them, any writer may name any manager, and admission
 * policies, which hold the operator's token to this same rule, can hardly read them. So a user sees in `kubectl get
 * --show-labels` whose an object is, and takes it over by removing the label; one that a user labels is the operator's.
 */
export const isMade = ({ labels }: Pick<Metadata, 'labels'>): boolean => labels?.[managedBy] === operator;

/** Labels of an object that the operator makes. */
export const madeLabels = (labels: Metadata['labels']): NonNullable<Metadata['labels']> => ({
  ...labels,
  [managedBy]: operator,
});
