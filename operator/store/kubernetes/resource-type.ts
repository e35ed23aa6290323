import { definitionOf } from '../../api/definition.ts';
import { apiVersion } from '../../api/resource.ts';
import type { Kind } from '../../api/resource.ts';
import type { ResourceType } from '../../runtime/kube-object.ts';

/** Where the API server serves a kind. */
export const resourceType = (kind: Kind): ResourceType => ({
  apiVersion,
  kind,
  plural: definitionOf(kind).names.plural,
});
