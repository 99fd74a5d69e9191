from django import forms

from .models import Patient


class AppointmentForm(forms.Form):
    room = forms.IntegerField(min_value=1, required=False)
    reason = forms.CharField(max_length=200, required=False)


class PatientForm(forms.ModelForm):
    class Meta:
        model = Patient
        fields = ["surname", "phone", "street"]
