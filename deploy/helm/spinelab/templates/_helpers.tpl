{{- define "spinelab.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Of a process: root context and its values. */}}
{{- define "spinelab.probes" -}}
livenessProbe:
  httpGet:
    host: 127.0.0.1
    path: /healthz
    port: {{ .healthPort }}
  periodSeconds: {{ .probes.livenessPeriodSeconds }}
  failureThreshold: {{ .probes.livenessFailures }}
readinessProbe:
  httpGet:
    host: 127.0.0.1
    path: /readyz
    port: {{ .healthPort }}
  periodSeconds: {{ .probes.readinessPeriodSeconds }}
{{- end }}

{{- define "spinelab.apiServer" -}}
{{- if .Values.apiServer.host -}}
- name: KUBERNETES_SERVICE_HOST
  value: {{ .Values.apiServer.host | quote }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ .Values.apiServer.port | quote }}
{{- end }}
{{- end }}
