{{- define "holdfast.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "holdfast.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "holdfast.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "holdfast.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Name of what is not in a namespace: releases of one name may be in several. */}}
{{- define "holdfast.clusterName" -}}
{{- printf "%s.%s" (include "holdfast.fullname" .) .Release.Namespace }}
{{- end }}

{{- define "holdfast.serviceAccount" -}}
{{- if .Values.operator.serviceAccount.create }}
{{- default (include "holdfast.fullname" .) .Values.operator.serviceAccount.name }}
{{- else }}
{{- required "operator.serviceAccount.name: the name of the ServiceAccount that is there, since create is false" .Values.operator.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Who the operator is to the API server. */}}
{{- define "holdfast.username" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "holdfast.serviceAccount" .) }}
{{- end }}

{{- define "holdfast.operatorSelector" -}}
app.kubernetes.io/name: {{ include "holdfast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "holdfast.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "holdfast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: holdfast
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "holdfast.operatorImage" -}}
{{- $image := .Values.operator.image }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{- define "holdfast.signerImage" -}}
{{- $image := .Values.signers.image }}
{{- printf "%s@%s" $image.repository (required "signers.image.digest: the digest of the signer's image, sha256:...; pods of signers name no tags" $image.digest) }}
{{- end }}

{{- define "holdfast.identitySecret" -}}
{{- default (printf "%s-identity" (include "holdfast.fullname" .)) .Values.operator.identity.existingSecret }}
{{- end }}

{{/* A list as CEL has it. */}}
{{- define "holdfast.celList" -}}
[{{ range $i, $text := . }}{{ if $i }}, {{ end }}'{{ $text }}'{{ end }}]
{{- end }}

{{/* What operator/fleet/kubernetes/operator-settings.ts reads. */}}
{{- define "holdfast.settings" -}}
namespaces: {{ toJson .Values.operator.namespaces }}
{{- if and .Values.operator.others (not .Values.operator.namespaces) }}
{{- fail "operator.others: an operator that works for all namespaces has no others beside it: list its own in operator.namespaces" }}
{{- end }}
others:
  {{- range .Values.operator.others }}
  - namespaces: {{ toJson .namespaces }}
    fingerprint: {{ default "" .fingerprint | quote }}
    pods:
      namespace: {{ .pods.namespace }}
      labels: {{ toJson (default (dict "app.kubernetes.io/name" "holdfast" "app.kubernetes.io/component" "operator") .pods.labels) }}
  {{- else }} []
  {{- end }}
fleet:
  signerImage: {{ include "holdfast.signerImage" . }}
  imagePullSecrets:
    {{- range .Values.imagePullSecrets }}
    - {{ .name }}
    {{- else }} []
    {{- end }}
  imagePullPolicy: {{ .Values.signers.pullPolicy }}
  volumes:
    accessMode: {{ .Values.signers.volumes.accessMode }}
    storageClassName: {{ .Values.signers.volumes.storageClassName | quote }}
  operator:
    namespace: {{ .Release.Namespace }}
    labels: {{- include "holdfast.operatorSelector" . | nindent 6 }}
  dns: {{ toJson .Values.networkPolicy.dns }}
  scrapeFrom: {{ toJson .Values.networkPolicy.scrapeFrom }}
{{- end }}

{{/* What the operator may do where wallets and holders are. docs/reference/rbac.md says why, line by line. */}}
{{- define "holdfast.operatorRules" -}}
- apiGroups: [holdfast.dev]
  resources: [wallets, signers, signingpolicies, signingrequests, approvals]
  verbs: [get, list, watch]
- apiGroups: [holdfast.dev]
  resources: [wallets/status, signers/status, signingpolicies/status, signingrequests/status, approvals/status]
  verbs: [patch]
- apiGroups: [holdfast.dev]
  resources: [wallets]
  verbs: [patch]
- apiGroups: [holdfast.dev]
  resources: [signers]
  verbs: [create, patch, delete]
- apiGroups: [holdfast.dev]
  resources: [signingrequests]
  verbs: [delete]
- apiGroups: [holdfast.dev]
  resources: [wallets/finalizers, signers/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [persistentvolumeclaims, configmaps]
  verbs: [create, patch]
- apiGroups: [""]
  resources: [serviceaccounts, services]
  verbs: [get, list, watch, create, patch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
