import * as models from '@kubernetes/client-node';

type Attribute = { readonly name: string; readonly baseName: string; readonly type: string };
type Model = { readonly getAttributeTypeMap: () => readonly Attribute[] };

const modelOf = (name: string): Model | undefined => {
  const model = (models as unknown as Readonly<Record<string, unknown>>)[name];
  return typeof model === 'function' && 'getAttributeTypeMap' in model ? (model as unknown as Model) : undefined;
};

/** Kubernetes' own kinds that the chart and the operator make, by their model. */
export const builtIn: Readonly<Record<string, string>> = {
  'v1 ConfigMap': 'V1ConfigMap',
  'v1 PersistentVolumeClaim': 'V1PersistentVolumeClaim',
  'v1 Secret': 'V1Secret',
  'v1 Service': 'V1Service',
  'v1 ServiceAccount': 'V1ServiceAccount',
  'apps/v1 Deployment': 'V1Deployment',
  'apps/v1 StatefulSet': 'V1StatefulSet',
  'networking.k8s.io/v1 NetworkPolicy': 'V1NetworkPolicy',
  'policy/v1 PodDisruptionBudget': 'V1PodDisruptionBudget',
  'rbac.authorization.k8s.io/v1 ClusterRole': 'V1ClusterRole',
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': 'V1ClusterRoleBinding',
  'rbac.authorization.k8s.io/v1 Role': 'V1Role',
  'rbac.authorization.k8s.io/v1 RoleBinding': 'V1RoleBinding',
  'admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy': 'V1ValidatingAdmissionPolicy',
  'admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding': 'V1ValidatingAdmissionPolicyBinding',
  'apiextensions.k8s.io/v1 CustomResourceDefinition': 'V1CustomResourceDefinition',
};

/** Fields of an object that Kubernetes does not know, or knows as another type: an API server would drop or refuse them. */
export function strangeFields(value: unknown, type: string, path = ''): readonly string[] {
  const here = path === '' ? type : path;
  const list = /^Array<(.*)>$/.exec(type)?.[1];
  if (list !== undefined)
    return Array.isArray(value)
      ? value.flatMap((item, i) => strangeFields(item, list, `${path}[${i}]`))
      : [`${here}: want a list`];
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  const fields =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
  if (map !== undefined)
    return (
      fields?.flatMap(([name, member]) => strangeFields(member, map, `${path}.${name}`)) ?? [`${here}: want a map`]
    );
  const model = modelOf(type);
  if (model !== undefined) {
    if (fields === undefined) return [`${here}: want a map`];
    const known = model.getAttributeTypeMap();
    return fields.flatMap(([name, member]) => {
      const attribute = known.find(({ baseName }) => baseName === name);
      return attribute === undefined
        ? [`${path}.${name}: no such field`]
        : strangeFields(member, attribute.type, `${path}.${name}`);
    });
  }
  switch (type) {
    case 'any':
    case 'object':
      return [];
    case 'IntOrString':
      return ['string', 'number'].includes(typeof value) ? [] : [`${here}: want a number or a string`];
    case 'Date':
      return typeof value === 'string' ? [] : [`${here}: want a time`];
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type ? [] : [`${here}: want a ${type}`];
    default:
      throw new Error(`${here}: no model ${type}`);
  }
}
