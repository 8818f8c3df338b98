{{- /* The beginning of all names. */}}
{{- define "cubegate.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}{{ end }}{{ end }}
{{- end }}

{{- /* What a component's pods are found by; call with (list . "edge"). */}}
{{- define "cubegate.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride | trunc 63 }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- /* All labels of a component's objects. */}}
{{- define "cubegate.labels" -}}
{{- $root := index . 0 -}}
{{ include "cubegate.selector" . }}
app.kubernetes.io/part-of: cubegate
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{- end }}

{{- /* An image; call with (list . .Values.image). */}}
{{- define "cubegate.image" -}}
{{- $root := index . 0 }}{{ $image := index . 1 -}}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}
{{- else }}{{ $image.repository }}:{{ default $root.Chart.AppVersion $image.tag }}{{ end }}
{{- end }}

{{- define "cubegate.keysSecret" -}}
{{ default (printf "%s-keys" (include "cubegate.fullname" .)) .Values.keys.existingSecret }}
{{- end }}
{{- define "cubegate.envoySecret" -}}
{{ include "cubegate.fullname" . }}-{{ .Values.edge.node }}-xds
{{- end }}
{{- define "cubegate.listenerSecret" -}}
{{ default (printf "%s-listener" (include "cubegate.fullname" .)) .Values.listener.existingSecret }}
{{- end }}
{{- define "cubegate.authoritySecret" -}}
{{ include "cubegate.fullname" . }}-xds-ca
{{- end }}
{{- define "cubegate.gatewayAuthoritySecret" -}}
{{ include "cubegate.fullname" . }}-gateway-ca
{{- end }}
{{- /* Whether the listener of this release's Envoys has a certificate that is made here. */}}
{{- define "cubegate.makesListener" -}}
{{- if and .Values.controlPlane.enabled (not .Values.controlPlane.sidecars) (not .Values.listener.existingSecret) }}yes{{ end }}
{{- end }}
{{- define "cubegate.controlPlane" -}}
{{ include "cubegate.fullname" . }}-control-plane
{{- end }}
{{- define "cubegate.edge" -}}
{{ include "cubegate.fullname" . }}-edge
{{- end }}
{{- define "cubegate.certificates" -}}
{{ include "cubegate.fullname" . }}-certificates
{{- end }}

{{- /* The names in the listener's certificate. */}}
{{- define "cubegate.listenerNames" -}}
{{- $service := include "cubegate.edge" . -}}
{{- $own := list $service (printf "%s.%s" $service .Release.Namespace) (printf "%s.%s.svc" $service .Release.Namespace) -}}
{{ concat .Values.listener.names $own | toJson }}
{{- end }}

{{- define "cubegate.publicUrl" -}}
{{- if .Values.controlPlane.sidecars }}http://127.0.0.1:30080{{ else -}}
{{ default (printf "https://%s.%s.svc:%v" (include "cubegate.edge" .) .Release.Namespace .Values.edge.service.port) .Values.listener.publicUrl }}{{ end }}
{{- end }}

{{- /* How pods run: as nobody, with nothing they may become. */}}
{{- define "cubegate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}
{{- define "cubegate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* What cannot be meant. */}}
{{- define "cubegate.check" -}}
{{- if and (eq .Values.database.type "sqlite") (gt (int .Values.controlPlane.replicas) 1) }}
{{- fail "controlPlane.replicas is more than 1, and SQLite is of one replica: set database.type to postgresql and database.existingSecret to the Secret with its URL" }}
{{- end }}
{{- if and .Values.controlPlane.enabled (eq .Values.database.type "postgresql") (not .Values.database.existingSecret) }}
{{- fail "database.existingSecret is empty: make a Secret with the URL of PostgreSQL, kubectl create secret generic cubegate-database --from-file url=FILE, and name it there" }}
{{- end }}
{{- if and .Values.controlPlane.sidecars .Values.edge.enabled }}
{{- fail "controlPlane.sidecars and edge.enabled are both true: control planes of sidecars have no edge; set edge.enabled to false in a release of their own" }}
{{- end }}
{{- if and .Values.edge.enabled (not .Values.controlPlane.enabled) (not .Values.edge.controlPlaneHost) }}
{{- fail "edge.controlPlaneHost is empty: without control planes in this release, say where they are" }}
{{- end }}
{{- if and .Values.edge.enabled (not .Values.controlPlane.enabled) (not .Values.keys.existingSecret) }}
{{- fail "keys.existingSecret is empty: Envoys of control planes elsewhere need the keys of those (the Secret NAME-keys there)" }}
{{- end }}
{{- end }}
