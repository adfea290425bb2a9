# SPDX-License-Identifier: Apache-2.0

extensions = [
    'openstackdocstheme',
    'reno.sphinxext',
]

project = 'nova-balloon-timer Release Notes'
copyright = '2026, nova-balloon-timer contributors'

# Release notes are of all versions.
release = ''
version = ''

pygments_style = 'native'
templates_path = ['../../doc/source/_templates']

html_theme = 'openstackdocs'
html_theme_options = {
    'analytics_tracking_code': '',
    'root_title': project,
}
openstackdocs_auto_name = False
openstackdocs_auto_version = False
